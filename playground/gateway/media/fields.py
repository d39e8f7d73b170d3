"""Rows that the forms of several families share."""

from __future__ import annotations

from playground.gateway.media.operation import Pace
from playground.gateway.params import ParamSpec

# Contract 14, rule 4. A route that answers in one go has its deadline from section 3.
IMAGE_PACE = Pace(first_s=5, ceiling_s=30, deadline_s=600)
VIDEO_PACE = Pace(first_s=5, ceiling_s=30, deadline_s=1800)
SYNC_PACE = Pace(deadline_s=300)

LARGEST_SEED = 2**31 - 1
DAY_S = 86_400


def model(source: str, default: str = "", name: str = "model") -> ParamSpec:
    return ParamSpec(
        name,
        "text",
        "Model",
        "The id to send, exactly as the list of models has it.",
        default=default,
        maximum=255,
        source=source,
        required=True,
    )


def prompt(source: str, help_text: str, *, name: str = "prompt", limit: int = 5000) -> ParamSpec:
    return ParamSpec(name, "text", "Prompt", help_text, maximum=limit, source=source, required=True)


def negative_prompt(source: str, *, name: str = "negative_prompt", limit: int = 2500) -> ParamSpec:
    return ParamSpec(
        name, "text", "Negative prompt", "What should not be seen.", maximum=limit, source=source
    )


def seed(source: str, *, name: str = "seed") -> ParamSpec:
    return ParamSpec(
        name,
        "int",
        "Seed",
        "The same seed and the same fields give much the same result.",
        default=1,
        minimum=0,
        maximum=LARGEST_SEED,
        step=1,
        source=source,
    )


# What the routes call the field that `count` makes.
COUNTS = ("n", "parameters.n")


def count(source: str, most: int, *, name: str = "n", label: str = "Images") -> ParamSpec:
    return ParamSpec(
        name,
        "int",
        label,
        "How many are made; each is billed.",
        default=1,
        minimum=1,
        maximum=most,
        step=1,
        source=source,
    )


def watermark(source: str, *, name: str, default: bool) -> ParamSpec:
    help_text = "Whether the provider puts its mark on the result."
    return ParamSpec(name, "bool", "Watermark", help_text, default=default, source=source)
