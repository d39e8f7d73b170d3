"""The documented parameters of Anthropic messages (contract section 9), by their wire names."""

from __future__ import annotations

from playground.gateway.params import ParamSpec
from playground.gateway.wire import rows

_ANYINT = "AnyInt: Anthropic Compatible API"
_UPSTREAM = "upstream: Anthropic Messages"
# `max_tokens` has no default upstream: a request without it is refused.
MAX_TOKENS = 4096
SMALLEST_BUDGET = 1024

PARAMS: tuple[ParamSpec, ...] = (
    rows.tokens(
        "max_tokens",
        "Max tokens",
        "The answer is cut at this length. Thinking counts too. This family wants it with every request.",
        _ANYINT,
        default=MAX_TOKENS,
        required=True,
    ),
    rows.temperature(_ANYINT, "Not together with thinking.", maximum=1, step=0.05),
    rows.top_p(_ANYINT),
    rows.top_k(_ANYINT, "Not together with thinking."),
    rows.stop(_ANYINT, name="stop_sequences"),
    ParamSpec(
        "thinking.type",
        "choice",
        "Thinking",
        "Enabled thinks within a budget (the smallest one, if none is set below), adaptive lets the model "
        "decide how long. Which of them is taken depends on the model.",
        default="enabled",
        choices=("enabled", "adaptive", "disabled"),
        source=_UPSTREAM,
    ),
    rows.tokens(
        "thinking.budget_tokens",
        "Thinking budget",
        "At most this much thinking; it must be less than max tokens. Set alone, it enables thinking; with "
        "adaptive or disabled thinking it is not sent.",
        _UPSTREAM,
        minimum=SMALLEST_BUDGET,
        alike="",
    ),
    ParamSpec(
        "output_config.effort",
        "choice",
        "Effort",
        "How much work goes into the answer, thinking and tools included. Which words are taken depends on "
        "the model.",
        default="medium",
        choices=("low", "medium", "high", "xhigh", "max"),
        source=_UPSTREAM,
        alike="effort",
    ),
    ParamSpec(
        "tool_choice.disable_parallel_tool_use",
        "bool",
        "One tool at a time",
        "Keeps the model from calling several tools at once. Sent only when there are tools to choose from.",
        default=True,
        source=_UPSTREAM,
    ),
    ParamSpec(
        "metadata.user_id",
        "text",
        "User",
        "A name for whoever asks, such as a random id. No private data.",
        maximum=256,
        source=_UPSTREAM,
    ),
)
