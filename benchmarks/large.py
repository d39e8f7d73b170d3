"""Pages over much of one thing: the models of a key, and a long chat."""

from __future__ import annotations

import json
import sys

from benchmarks.prompts import Reader, figure
from benchmarks.rows import Figure, Plan, row
from benchmarks.stage import Stage

MODELS = (
    "", "?q=model-12", "?q=maker+7", "?family=anthropic", "?state=new", "?state=gone", "?view=cards",
    "?can=chat&how=works", "?q=nothingofit",
)  # fmt: skip
MODELS_BAR_MS, CHAT_BAR_MS = 150, 300


@row("large")
def large(stage: Stage, plan: Plan) -> list[Figure]:
    models, turns = plan.some(3_000, 500), plan.some(2_000, 400)
    argv = [sys.executable, "-m", "benchmarks.large_rows", str(models), str(turns)]
    made = json.loads(stage.command(argv))
    chat, times = f"/chat/{made['chat']}/", plan.some(20, 5)
    with stage.serve() as web:
        reader = Reader(stage, stage.people[0], web.pid)
        catalogue = reader.times([f"/models/{query}" for query in MODELS], times)
        picker = reader.times([f"/models/options?key={stage.people[0].key}&family=openai_chat&q=12"], times)
        end = reader.times([chat], times)
        above = reader.times([f"{chat}thread?before={made['above']}"], times)
    return [
        figure(f"{models:,} models: page Models, p95", catalogue, MODELS_BAR_MS),
        figure(f"{models:,} models: the picker of the chat, p95", picker, MODELS_BAR_MS),
        figure(f"a chat of {turns:,} turns: its end, p95", end, CHAT_BAR_MS),
        figure(f"a chat of {turns:,} turns: turns far above, p95", above, CHAT_BAR_MS),
    ]
