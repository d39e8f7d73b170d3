"""Rows of the parameter tables that families have in common: one meaning, a name and limits of each's own."""

from __future__ import annotations

from playground.gateway.params import ParamSpec

LARGEST_INT = 2**31 - 1


def temperature(
    source: str, note: str = "", *, name: str = "temperature", maximum: float = 2, step: float = 0.1
) -> ParamSpec:
    return ParamSpec(
        name,
        "float",
        "Temperature",
        f"How varied the answer is: 0 is the most predictable. {note}".strip(),
        default=1,
        minimum=0,
        maximum=maximum,
        step=step,
        source=source,
        alike="temperature",
    )


def top_p(
    source: str,
    note: str = "Change this or the temperature, not both.",
    *,
    name: str = "top_p",
    default: float = 1,
) -> ParamSpec:
    help_text = f"Only the likeliest words that together reach this share are drawn from. {note}".strip()
    return ParamSpec(
        name,
        "float",
        "Top P",
        help_text,
        default=default,
        minimum=0,
        maximum=1,
        step=0.05,
        source=source,
        alike="top_p",
    )


def top_k(source: str, note: str, *, name: str = "top_k", minimum: int = 0) -> ParamSpec:
    return ParamSpec(
        name,
        "int",
        "Top K",
        f"Only this many of the likeliest words are drawn from. {note}",
        default=40,
        minimum=minimum,
        maximum=LARGEST_INT,
        step=1,
        source=source,
        alike="top_k",
    )


def tokens(
    name: str,
    label: str,
    help_text: str,
    source: str,
    *,
    default: int = 2048,
    minimum: int = 1,
    required: bool = False,
    alike: str = "max_tokens",
) -> ParamSpec:
    return ParamSpec(
        name,
        "int",
        label,
        help_text,
        default=default,
        minimum=minimum,
        maximum=LARGEST_INT,
        step=1,
        unit="tokens",
        source=source,
        required=required,
        alike=alike,
    )


def stop(source: str, *, name: str, label: str = "Stop sequences", most: int | None = None) -> ParamSpec:
    return ParamSpec(
        name,
        "list",
        label,
        "Texts that end the answer, one a line; \\n stands for a line break. The text itself is left out.",
        maximum=most,
        source=source,
        alike="stop",
    )


def reasoning_effort(source: str, *choices: str, name: str) -> ParamSpec:
    return ParamSpec(
        name,
        "choice",
        "Reasoning effort",
        "How long a reasoning model thinks. Which words are taken depends on the model.",
        default="medium",
        choices=choices,
        source=source,
        alike="effort",
    )


def json_mode(source: str, *, name: str, label: str) -> ParamSpec:
    return ParamSpec(
        name,
        "choice",
        label,
        "With json_object the model is told to answer in JSON; ask for JSON in the prompt too.",
        default="text",
        choices=("text", "json_object"),
        source=source,
    )


def parallel_tool_calls(source: str, note: str = "") -> ParamSpec:
    return ParamSpec(
        "parallel_tool_calls",
        "bool",
        "Parallel tool calls",
        f"Whether the model may call several tools at once. {note}".strip(),
        default=True,
        source=source,
        alike="parallel",
    )


def prompt_cache_key(source: str) -> ParamSpec:
    return ParamSpec(
        "prompt_cache_key",
        "text",
        "Prompt cache key",
        "Requests with the same key and beginning are more likely to be served from the provider's cache.",
        maximum=200,
        source=source,
        alike="cache_key",
    )
