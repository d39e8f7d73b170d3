"""Each fault of the demo gateway turns the right rows red, with the right words, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

import pytest
from django.utils import timezone

from playground.catalogue import measuring
from playground.demo.faults import CATALOGUE, read_fault
from playground.gateway.errors import GatewayError
from playground.gateway.request import WireRequest
from playground.ops.models import Measured
from playground.verify import runs, task_checks
from playground.verify.bench import Bench
from playground.verify.exchange import Exchange
from playground.verify.models import CheckResult
from playground.verify.table import BY_NAME, CHECKS
from tests.verify.conftest import Rows, Verify

State = CheckResult.State
MODEL_ROWS = [check.name for check in CHECKS if check.asks_model]
FAMILIES = ("openai_chat", "anthropic", "gemini", "openai_responses")
REFUSED = "Choose another model for this piece of work, or do without it."
MEND = "Check answers against the schema and ask again when they do not fit."


def of(names: str, families: Iterable[str] = FAMILIES) -> list[str]:
    """`of("reply stream")`: these rows of the families, as far as they are there."""
    told = [f"{name}.{family}" for name in names.split() for family in families]
    return [name for name in told if name in BY_NAME]


ALL = [name for name in MODEL_ROWS if name != "fallback"]


@dataclass(frozen=True, slots=True)
class Fault:
    """`rows`: those that are red, "fallback" beside them. `said` and `fix` are in each of them."""

    model: str
    rows: list[str]
    said: str
    fix: str
    families: tuple[str, ...] = FAMILIES


def http(number: str, title: str, fix: str, rows: list[str] = ALL) -> Fault:
    status = number.partition("-")[0]
    return Fault(f"demo-error-{number}", [*rows, "fallback"], f"HTTP {status}: {title}.", fix)


# "thinking" over OpenAI chat has a model of its own, which is asked for its fault where it is to be red.
STREAMED = of("stream usage")
# Refused before anything is looked at: what one status of a class shows in every row, the others need not.
BEFORE = of("reply stream")
WHOLE = of("reply images schema")
FAULTS = [
    http("400", "The request was refused", "could not accept this request as it is"),
    http("401", "The key was not accepted", "Its owner should check it in Settings"),
    http("402", "Balance or quota used up", "The move of the key's owner.", BEFORE),
    http("403", "Not allowed with this key", "Choose another model or key"),
    http("404", "Not found", "Your move.", BEFORE),
    http("408", "No answer in time", "Try again", BEFORE),
    http("409", "Already being worked on", "Your move.", BEFORE),
    http("413", "Too large", "Your move.", BEFORE),
    http("422", "The request was refused", "could not accept this request as it is", BEFORE),
    http("429", "Too many requests", "Wait, then try again. Your move."),
    http("429-quota", "Balance or quota used up", "The move of the key's owner.", BEFORE),
    http("500", "The provider is unavailable", "Try again in a while", BEFORE),
    http("502-html", "The provider is unavailable", "Try again in a while"),
    http("502", "The provider is unavailable", "Try again in a while", BEFORE),
    http("503", "The provider is unavailable", "The gateway's move."),
    http("504", "No answer in time", "Try again", BEFORE),
    http("529", "The provider is unavailable", "The gateway's move.", BEFORE),
    Fault("demo-hang", [*BEFORE, "tokens.anthropic", "fallback"], "No answer in time.", "did not answer"),
    Fault("demo-redirect", [*ALL, "fallback"], "HTTP 302: Unreadable answer.", "The gateway's move."),
    Fault("demo-stall-after-5", [*STREAMED, *WHOLE, *of("tools"), "fallback"], "No answer in time.", "time"),
    Fault(
        "demo-refusal",
        [*of("reply images tools schema thinking"), "fallback"],
        "The model refused to answer",
        REFUSED,
    ),
    Fault(
        "demo-content-filter",
        of("reply images tools schema thinking", ["openai_chat", "openai_responses", "gemini"]),
        "A content filter stopped the answer",
        "The filter is the provider's",
    ),
    Fault("demo-pause", of("reply schema", ["anthropic"]), "The model paused half-way", "Let it continue"),
    Fault("demo-flaky", of("reply"), "HTTP 503: The provider is unavailable.", "Try again in a while"),
    Fault("demo-null-fields", ["usage.anthropic"], "without telling what it used", "never shown as 0"),
    Fault("demo-null-fields", ["tools.gemini"], "No tool was called, and nothing said.", REFUSED),
    Fault("demo-split-utf8", of("reply"), "not the fixed reply: “Grüße aus dem Demo-Gateway 🚀", REFUSED),
    Fault("demo-chat", ["thinking.openai_chat"], "no reasoning and no count of it", "a model that thinks"),
    Fault("demo-no-usage", of("usage"), "without telling what it used", "never shown as 0"),
    Fault(
        "demo-json-instead",
        of("stream"),
        "A stream was asked for, and the answer came in one piece.",
        "Something between the gateway and this site holds the stream back",
    ),
    Fault("demo-huge-frame", of("stream"), "The whole answer came in one chunk.", "buffering"),
    Fault(
        "demo-no-done",
        of("stream", ["openai_chat"]),
        "the stream ended without its end signal ([DONE])",
        "The gateway's move.",
    ),
    Fault(
        "demo-bad-arguments",
        of("tools", ["openai_chat", "openai_responses", "anthropic"]),
        "The call's arguments do not fit the tool's schema",
        "check arguments first",
    ),
    Fault("demo-hostile-markdown", of("reply"), "An answer came, but not the fixed reply", REFUSED),
    Fault("demo-hostile-markdown", of("tools"), "No tool was called", REFUSED),
    Fault("demo-hostile-markdown", of("schema"), "The answer does not fit the schema", MEND),
    Fault("demo-nul", of("schema"), "The answer does not fit the schema", MEND),
    Fault("demo-cut-after-5", STREAMED, "The answer broke off.", "continue it or try again"),
    Fault("demo-cut-after-5", WHOLE, "The gateway was not reached.", "try again"),
    Fault("demo-reset-after-5", STREAMED, "The answer broke off.", "continue it or try again"),
    Fault("demo-error-after-5", STREAMED, "The provider is unavailable.", "The gateway's move."),
    Fault("demo-malformed", [*STREAMED, *WHOLE], "Unreadable answer.", "could not be read"),
]  # fmt: skip
# With these the other rows of the families stay green: the fault is told where it is, and nowhere else.
SILENT = {"demo-hang", "demo-stall-after-5"}
ALONE = {"demo-no-usage", "demo-json-instead", "demo-refusal"}


def ask_all(verify: Verify, model: str, names: list[str], red: Iterable[str]) -> Rows:
    thinker = {"thinking__openai_chat": model} if "thinking.openai_chat" in red else {}
    return verify(names, **dict.fromkeys(FAMILIES, model), fallback="demo-chat-mini", **thinker)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.model} {fault.said[:20]}")
def test_a_fault_is_red_in_the_right_rows_with_the_right_words(
    verify: Verify, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault.model in SILENT:
        # What never comes is not waited for; whatever does come is given its time.
        monkeypatch.setattr(runs, "Bench", partial(Bench, patience_s=0.3))
    names = MODEL_ROWS if fault.model in ALONE else fault.rows
    rows = ask_all(verify, fault.model, names, fault.rows)
    red = {name for name, row in rows.items() if row.state == State.FAILED}
    assert red == set(fault.rows)
    for name in red:
        assert fault.said in rows[name].said, name
        assert fault.fix in rows[name].fix, name


# Not faults: these are only long or slow. The key that is repeated has a test of its own.
ELSEWHERE = {"long", "fast", "slow", "echo-key"}
ODDITIES = ["demo-usage-last-choice", "demo-chat-mini"]


def test_every_fault_of_the_demo_gateway_is_tried() -> None:
    by_id = {fault.model_id: fault for fault in CATALOGUE}
    tried = {by_id.get(model) or read_fault(model) for model in [fault.model for fault in FAULTS] + ODDITIES}
    assert {fault.kind for fault in CATALOGUE} - {fault.kind for fault in tried if fault} == ELSEWHERE


@pytest.mark.parametrize("model", ODDITIES)
def test_an_oddity_that_is_allowed_turns_nothing_red(verify: Verify, model: str) -> None:
    rows = verify(MODEL_ROWS, **dict.fromkeys(FAMILIES, model), fallback="demo-chat")
    assert {name: row.said for name, row in rows.items() if row.state != State.PASSED} == {}


def test_a_key_that_the_gateway_repeats_is_hidden_wherever_it_would_show(verify: Verify) -> None:
    rows = ask_all(verify, "demo-echo-key", ALL, ALL)
    for row in rows.values():
        assert "you sent" in row.said
        assert "[hidden]" in row.said
        assert "demo-key" not in f"{row.said} {row.fix} {row.evidence}"


def test_a_fault_of_one_family_leaves_the_others_green(verify: Verify) -> None:
    names = [*of("reply stream usage"), "tokens.anthropic"]
    rows = verify(names, anthropic="demo-error-403")
    red = {name for name, row in rows.items() if row.state == State.FAILED}
    assert red == {"reply.anthropic", "stream.anthropic", "usage.anthropic", "tokens.anthropic"}


def test_a_family_without_a_model_is_skipped_with_the_reason(verify: Verify) -> None:
    rows = verify(["reply.gemini", "reply.anthropic"], gemini="")
    assert rows["reply.gemini"].state == State.SKIPPED
    assert "No model is chosen for Gemini" in rows["reply.gemini"].said
    assert rows["reply.anthropic"].state == State.PASSED


@pytest.mark.parametrize(
    ("pair", "state", "said"),
    [
        (("demo-chat", "demo-chat-mini"), State.PASSED, "both answered the same request"),
        (("demo-chat", "demo-error-403"), State.FAILED, "demo-error-403 did not answer. HTTP 403"),
        (
            ("demo-chat", "demo-bad-arguments"),
            State.FAILED,
            "demo-bad-arguments does not do what demo-chat does with the same request: a tool call (The call",
        ),
        (("demo-bad-arguments", "demo-chat"), State.PASSED, "a fixed reply, structured output, a picture."),
        (("demo-chat", "demo-chat"), State.FAILED, "The fallback is the first choice itself."),
        (("demo-chat", ""), State.SKIPPED, "No fallback model is chosen"),
    ],
)
def test_a_fallback_pair_is_green_only_when_both_answer(
    verify: Verify, pair: tuple[str, str], state: str, said: str
) -> None:
    row = verify(["fallback"], openai_chat=pair[0], fallback=pair[1])["fallback"]
    assert (row.state, said in row.said) == (state, True), row.said


def test_the_fallback_is_asked_with_the_same_payload_as_the_first_choice(verify: Verify) -> None:
    row = verify(["fallback"], openai_chat="demo-chat", fallback="demo-chat-mini")["fallback"]
    sent = [piece["text"].partition("\n\n") for piece in row.evidence if piece["title"] == "Request"]
    bodies = [json.loads(body) for _, _, body in sent]
    assert [body.pop("model") for body in bodies] == ["demo-chat", "demo-chat-mini"] * 4
    assert bodies[::2] == bodies[1::2]
    assert ["tools" in body for body in bodies[::2]] == [False, True, False, False]
    assert ["response_format" in body for body in bodies[::2]] == [False, False, True, False]
    assert "image_url" in str(bodies[-1])
    assert [head for head, _, _ in sent[::2]] == [head for head, _, _ in sent[1::2]]


def test_every_family_thinks_when_it_is_told_to_and_says_how_much(verify: Verify) -> None:
    rows = verify(of("thinking"), thinking__openai_chat="demo-reasoning")
    assert {row.state for row in rows.values()} == {State.PASSED}
    assert rows["thinking.openai_chat"].model == "demo-reasoning"
    assert rows["thinking.anthropic"].said.startswith("Reasoning came apart from the answer: ")
    assert rows["thinking.openai_responses"].said.endswith(" tokens of it were told.")
    measuring.look(timezone.now())
    known = Measured.objects.filter(capability="thinking", works_at__isnull=False, user=None)
    assert sorted(known.values_list("family", flat=True)) == sorted(FAMILIES)


class Newer(Bench):
    """A gateway whose Anthropic models decide themselves how long they think."""

    def send(self, wire: WireRequest, **more: str) -> Exchange:
        if b"budget_tokens" not in wire.body:
            return super().send(wire, **more)
        error = GatewayError("invalid_request", "Only adaptive thinking is supported.", status=400)
        return Exchange(wire, self.subject.base_url, 400, error=error)


def test_a_model_that_takes_no_budget_for_thinking_is_asked_to_think_its_own_way(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "Bench", Newer)
    row = verify(["thinking.anthropic"])["thinking.anthropic"]
    assert (row.state, row.said.partition(":")[0]) == (State.PASSED, "Reasoning came apart from the answer")


def test_a_chosen_model_that_is_not_on_the_list_is_named(verify: Verify) -> None:
    row = verify(["models.openai_chat"], openai_chat="no-such-model")["models.openai_chat"]
    assert row.state == State.FAILED
    assert "but not the chosen no-such-model" in row.said
    assert "Refresh the list of models" in row.fix


TASKS = [
    ("demo-error-401", "HTTP 401: The key was not accepted.", "check it in Settings"),
    ("demo-error-503", "HTTP 503: The provider is unavailable.", "Try again in a while"),
    ("demo-refused", "refused", "request"),
    ("demo-busy", "Too many requests.", "Wait, then try again."),
    ("demo-lost-reset", "Outcome unknown.", "before anything is ordered once more"),
    ("demo-poll-401", "Paused.", "once the key works again"),
    ("demo-fails-content", "Refused for its content.", "content rules"),
    ("demo-asset-404", "Ready, copy failed.", "Try the copy again in Tasks"),
]


@pytest.mark.parametrize(("fault", "said", "fix"), TASKS, ids=[fault for fault, _, _ in TASKS])
def test_a_media_task_that_fails_is_red_with_the_reason_and_what_to_do(
    verify: Verify, monkeypatch: pytest.MonkeyPatch, fault: str, said: str, fix: str
) -> None:
    sample = task_checks.SAMPLES["dashscope"]
    words = {**sample.values, "input.prompt": f"A paper boat {fault}"}
    monkeypatch.setitem(task_checks.SAMPLES, "dashscope", replace(sample, values=words))
    row = verify(["task.dashscope"])["task.dashscope"]
    assert row.state == State.FAILED
    assert said.lower() in row.said.lower()
    assert fix in row.fix
    assert row.task is not None
