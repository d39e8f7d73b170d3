"""The checks in the order of the documentation: what each proves, why, what it costs and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from playground.gateway.wire import FAMILIES
from playground.verify import (
    callback_checks,
    chat_checks,
    fault_checks,
    key_checks,
    pair_checks,
    task_checks,
    thinking_checks,
)
from playground.verify.bench import Bench, Finding

Cost = Literal["free", "cheap", "paid"]
Work = Callable[[Bench, str], Finding]
COSTS: dict[Cost, str] = {
    "free": "Free",
    "cheap": "A few tokens",
    "paid": "Paid",
}
GUIDE = "Verify Your Integration"
# Of a family's own fields.
PAGES = {
    "openai_chat": "OpenAI Compatible API",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Anthropic Compatible API",
    "gemini": "Gemini Compatible API",
}
# Media families as people know them.
MAKERS = {"dashscope": "DashScope", "kling": "Kling", "suno": "Suno", "openai": "OpenAI video"}


@dataclass(frozen=True, slots=True)
class Check:
    """One row. `page` is the page of AnyInt's documentation that asks for it, `needs` what must be there
    beside the key, `capability` what of a model it measures ("" for none).
    """

    name: str
    group: str
    what: str
    why: str
    page: str
    cost: Cost
    work: Work
    family: str = ""
    needs: str = ""
    capability: str = ""

    @property
    def asks_model(self) -> bool:
        """Whether it asks the model chosen for its family."""
        return self.family in FAMILIES and self.needs == "a model"

    @property
    def asks(self) -> str:
        """What the model is chosen for that it asks: its family, or this piece of work alone."""
        return self.name if self.capability == "thinking" else self.family

    @property
    def operation(self) -> str:
        """The media operation it orders, "" for none."""
        return task_checks.SAMPLES[self.family].operation if self.cost == "paid" else ""

    @property
    def made(self) -> str:
        """What a paid check has made, for who is asked whether that may be charged."""
        return task_checks.SAMPLES[self.family].made if self.cost == "paid" else ""


def _of_family(family: str) -> Iterable[Check]:
    """Reply, stream and usage of one family; each native one is tested on its own."""
    label = FAMILIES[family].label
    page = {"openai_responses": "OpenAI Responses"}.get(family, GUIDE)
    group = "First request and streaming" if family == "openai_chat" else "Each family on its own"
    yield Check(
        f"reply.{family}", group, f"{label}: a minimal request",
        "Base address, key, JSON shape and access to the model.",
        page, "cheap", chat_checks.reply, family, "a model", "chat",
    )  # fmt: skip
    yield Check(
        f"stream.{family}", group, f"{label}: a stream",
        "Partial chunks and a final end signal; the first chunk is not the answer.",
        page, "cheap", chat_checks.stream, family, "a model", "stream",
    )  # fmt: skip
    yield Check(
        f"usage.{family}", group, f"{label}: usage at the end of a stream",
        "Usage comes near the end, or not at all: then costs stay unknown.",
        "OpenAI Compatible API", "cheap", chat_checks.usage, family, "a model", "usage",
    )  # fmt: skip
    if FAMILIES[family].counting is not None:
        yield Check(
            f"tokens.{family}", group, f"{label}: token counting",
            "A request's size is known before it is sent.",
            "Models overview", "free", chat_checks.tokens, family, "a model", "tokens",
        )  # fmt: skip


def _abilities() -> Iterable[Check]:
    rows: tuple[tuple[str, str, str, str, Work], ...] = (
        ("images", "image input", "The route decides whether a picture is taken, not the model's name.",
         "Image Input", chat_checks.images),
        ("tools", "a tool call", "Arguments are checked against the schema before anything runs.",
         "Tool Calling", chat_checks.tools),
        ("schema", "structured output", "Strict behaviour differs by model: the result is validated here.",
         "Structured Outputs", chat_checks.schema),
    )  # fmt: skip
    for capability, what, why, page, work in rows:
        for family in FAMILIES.values():
            yield Check(
                f"{capability}.{family.key}", "What the models can do", f"{family.label}: {what}", why,
                page, "cheap", work, family.key, "a model", capability,
            )  # fmt: skip
    for family in FAMILIES.values():
        yield Check(
            f"thinking.{family.key}", "What the models can do", f"{family.label}: thinking",
            "Reasoning comes apart from the answer, and is paid for: it has to be asked for and told.",
            PAGES[family.key], "cheap", thinking_checks.thinking, family.key, "a model", "thinking",
        )  # fmt: skip


def _tasks() -> Iterable[Check]:
    for family, sample in task_checks.SAMPLES.items():
        yield Check(
            f"{task_checks.PREFIX}{family}", "Media tasks", f"{MAKERS[family]}: a task polled to its end",
            "The answer to a creation is not the asset: ready means a success and an output, kept here.",
            GUIDE, "paid", task_checks.task, family, "a key of the playground", sample.operation,
        )  # fmt: skip


def _callbacks() -> Iterable[Check]:
    rows: tuple[tuple[str, str, str, Work], ...] = (
        ("reach", "The callback address is reachable", "It has to be a public https address.",
         callback_checks.reach),
        ("speed", "Callbacks are answered quickly", "Heavy work goes to a queue.", callback_checks.speed),
        ("once", "A callback that comes twice counts once", "Task ids are remembered, repeats ignored.",
         callback_checks.once),
    )  # fmt: skip
    for name, what, why, work in rows:
        yield Check(f"callback.{name}", "Callbacks", what, why, GUIDE, "free", work, needs="a public address")


def _errors() -> Iterable[Check]:
    rows: tuple[tuple[str, str, str, str, Work], ...] = (
        ("401", "401: a wrong key", "Ask the operator to check the key and the header.", "",
         fault_checks.wrong_key),
        ("403", "403: a model that is not allowed", "Check account access, model availability or plan.", "",
         fault_checks.no_access),
        ("429", "429: too many requests", "Back off, retry later, fewer at once.", "the demo gateway",
         fault_checks.rate_limit),
        ("5xx", "5xx: a passing fault", "Exponential backoff, and a word that it is temporary.",
         "the demo gateway", fault_checks.temporary),
        ("cut", "A stream that is cut", "What came is kept and shown as interrupted.", "the demo gateway",
         fault_checks.cut),
    )  # fmt: skip
    for name, what, why, needs, work in rows:
        yield Check(f"error.{name}", "Error handling", what, why, GUIDE, "free", work, needs=needs)


CHECKS: tuple[Check, ...] = (
    Check(
        "key", "Key and models", "The key is stored safely",
        "A leaked key is spent by others: it stays on the server, sealed.",
        GUIDE, "free", key_checks.key_stored,
    ),
    Check(
        "models.openai_chat", "Key and models", "The Models API, OpenAI list",
        "The first call in a new environment: it tells the exact ids of this account.",
        GUIDE, "free", key_checks.models, "openai_chat",
    ),
    Check(
        "models.anthropic", "Key and models", "The Models API, Anthropic list",
        "The native family has a list and a header of its own.",
        "Models API", "free", key_checks.models, "anthropic",
    ),
    *_of_family("openai_chat"),
    *_of_family("anthropic"),
    *_of_family("gemini"),
    *_of_family("openai_responses"),
    *_abilities(),
    *_tasks(),
    *_callbacks(),
    *_errors(),
    Check(
        "fallback", "Ready for production", "First choice and fallback are both enabled",
        "A fallback that was never tried with the same requests is none.",
        "Model Fallbacks", "cheap", pair_checks.fallback, "openai_chat", "a model",
    ),
    Check(
        "hosts", "Ready for production", "Both gateway addresses take the key",
        "The documentation names two hosts for the same gateway.",
        "API overview", "free", key_checks.hosts,
    ),
)  # fmt: skip
BY_NAME = {check.name: check for check in CHECKS}


def named(names: Iterable[str]) -> list[Check]:
    """The checks of these names, in the order of the table; unknown names are left out."""
    wanted = set(names)
    return [check for check in CHECKS if check.name in wanted]
