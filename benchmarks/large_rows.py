"""A key that sees many models and a chat of many turns.

`python -m benchmarks.large_rows <models> <turns>`, in the benchmark's environment. One JSON line: the chat,
and a turn far above its end.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import timedelta
from random import Random

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.utils import timezone  # noqa: E402 - only after setup

from accounts.models import GatewayKey  # noqa: E402
from playground.chat.models import Conversation, Run, Turn  # noqa: E402
from playground.ops.models import ModelEntry  # noqa: E402

ANSWER = "## The answer\n\n" + "A light on a rock, **seen** from afar by every ship that passes. " * 12


def models(key: GatewayKey, count: int) -> None:
    random, now = Random(7), timezone.now()
    rows = [
        ModelEntry(
            key=key, family=family, model_id=f"maker-{number % 40}/model-{number}",
            name=f"Model {number} of maker {number % 40}", raw={"id": f"m{number}"},
            first_seen=now - timedelta(days=random.randint(0, 300)), last_seen=now,
            gone_at=now if number % 50 == 0 else None,
        )
        for number in range(count)
        for family in (("openai_chat", "anthropic") if number % 3 == 0 else ("openai_chat",))
    ]  # fmt: skip
    ModelEntry.objects.bulk_create(rows, 1000)


def chat(key: GatewayKey, count: int) -> tuple[str, str]:
    """`count` turns, questions and answers by turns."""
    began = timezone.now() - timedelta(days=1)
    talk = Conversation.objects.create(team=key.team, owner=key.owner, title="A long chat")
    rows: list[Turn] = []
    for number in range(count):
        role = Turn.Role.ASSISTANT if number % 2 else Turn.Role.USER
        text = ANSWER if number % 2 else f"Question {number}: what of it?"
        rows.append(
            Turn(
                id=uuid.uuid4(), conversation=talk, parent=rows[-1] if rows else None, role=role, text=text,
                parts=[{"kind": "text", "text": text}], created_at=began + timedelta(seconds=number),
            )
        )  # fmt: skip
    Turn.objects.bulk_create(rows, 500)
    answered = zip(rows[::2], rows[1::2], strict=True)
    runs = [
        Run(
            team=key.team, user=key.owner, key=key, conversation=talk, asked=asked, answer=answer,
            family="openai_chat", model="maker-1/model-1", status=Run.Status.FINISHED, reason="stop",
            input_tokens=900, output_tokens=220, first_token_ms=300, started_at=asked.created_at,
            ended_at=answer.created_at,
        )
        for asked, answer in answered
    ]  # fmt: skip
    Run.objects.bulk_create(runs, 500)
    Conversation.objects.filter(pk=talk.pk).update(leaf=rows[-1], settings={"key": str(key.pk)})
    return str(talk.pk), str(rows[count // 4].pk)


if __name__ == "__main__":
    first = GatewayKey.objects.get(team__personal_of__email="bench0@example.com")
    models(first, int(sys.argv[1]))
    made, above = chat(first, int(sys.argv[2]))
    print(json.dumps({"chat": made, "above": above}))
