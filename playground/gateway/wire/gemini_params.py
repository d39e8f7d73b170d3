"""The documented parameters of Gemini (contract section 10), by their wire names."""

from __future__ import annotations

from playground.gateway.params import ParamSpec
from playground.gateway.wire import rows

_ANYINT = "AnyInt: Gemini Compatible API"
_UPSTREAM = "upstream: Gemini API"

PARAMS: tuple[ParamSpec, ...] = (
    rows.temperature(
        _ANYINT, "Gemini 3 models are meant to be used at 1.", name="generationConfig.temperature"
    ),
    rows.top_p(_ANYINT, "", name="generationConfig.topP", default=0.95),
    rows.top_k(_ANYINT, "Some models do not take it.", name="generationConfig.topK", minimum=1),
    rows.tokens(
        "generationConfig.maxOutputTokens",
        "Max output tokens",
        "The answer is cut at this length; thinking counts too.",
        _ANYINT,
    ),
    rows.stop(_ANYINT, name="generationConfig.stopSequences", most=5),
    ParamSpec(
        "generationConfig.responseModalities",
        "choice",
        "Answer with",
        "Pictures come only from image models, and only when they are asked for together with text.",
        default="TEXT, IMAGE",
        choices=("TEXT", "TEXT, IMAGE"),
        source="AnyInt: Image Generation",
    ),
    ParamSpec(
        "generationConfig.responseMimeType",
        "choice",
        "Response type",
        "With application/json the model is told to answer in JSON; ask for JSON in the prompt too.",
        default="text/plain",
        choices=("text/plain", "application/json"),
        source=_ANYINT,
    ),
    ParamSpec(
        "generationConfig.thinkingConfig.thinkingLevel",
        "choice",
        "Thinking level",
        "How long the model thinks. For Gemini 3 models and later; do not set a thinking budget beside it.",
        default="low",
        choices=("minimal", "low", "medium", "high"),
        source=_UPSTREAM,
        alike="effort",
    ),
    ParamSpec(
        "generationConfig.thinkingConfig.thinkingBudget",
        "int",
        "Thinking budget",
        "How many tokens the model may think. -1 leaves it to the model, 0 switches thinking off where "
        "the model allows it. For Gemini 2.5 models.",
        default=-1,
        minimum=-1,
        maximum=65_536,
        step=1,
        unit="tokens",
        source=_UPSTREAM,
    ),
    ParamSpec(
        "generationConfig.thinkingConfig.includeThoughts",
        "bool",
        "Show thinking",
        "Whether a summary of the thinking comes with the answer.",
        default=True,
        source=_UPSTREAM,
    ),
    ParamSpec(
        "safetySettings",
        "json",
        "Safety settings",
        "A list of objects with a category and the threshold from which on its content is blocked.",
        default=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}],
        source=_ANYINT,
    ),
)
