"""The colours of tokens.css keep WCAG AA in both themes: computed from the tokens, not judged by eye."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "static/css/tokens.css"
NUMBER = r"([\d.]+)"
COLOUR = rf"oklch\({NUMBER} {NUMBER} {NUMBER}\)"
PAIR = re.compile(rf"--([a-z-]+): light-dark\({COLOUR}, {COLOUR}\);")

GROUNDS = ["paper", "sunken", "raised"]
TEXT = ["ink", "ink-soft", "ink-faint", "accent", "good", "warn", "bad"]
CODE = ["hl-keyword", "hl-string", "hl-number", "hl-name", "hl-comment"]
TEXT_ON_GROUND = [
    *[(text, ground, 4.5) for text in TEXT for ground in GROUNDS],
    *[(text, "sunken", 4.5) for text in CODE],
    *[(state, f"{state}-soft", 4.5) for state in ("accent", "good", "warn", "bad")],
    *[("ink", f"{state}-soft", 7.0) for state in ("accent", "good", "warn", "bad")],
    ("ink", "paper", 7.0),
    ("accent-ink", "accent", 4.5),
    ("accent-ink", "accent-hover", 4.5),
    *[("line-strong", ground, 3.0) for ground in GROUNDS],
]


def linear_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, ...]:
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    rgb = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return tuple(min(1.0, max(0.0, channel)) for channel in rgb)


def luminance(colour: tuple[float, float, float]) -> float:
    red, green, blue = linear_rgb(*colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def colours(theme: str) -> dict[str, tuple[float, float, float]]:
    at = 1 if theme == "light" else 4
    return {
        found[1]: (float(found[at + 1]), float(found[at + 2]), float(found[at + 3]))
        for found in PAIR.finditer(TOKENS.read_text())
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground", "least"), TEXT_ON_GROUND)
def test_a_pair_of_colours_can_be_read(theme, text, ground, least):
    known = colours(theme)
    assert contrast(known[text], known[ground]) >= least


def test_the_computation_agrees_with_black_on_white():
    assert contrast((0, 0, 0), (1, 0, 0)) == pytest.approx(21, abs=0.01)
