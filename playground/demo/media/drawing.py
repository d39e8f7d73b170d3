"""Draws a landscape, the same for the same words: gradients, hills and what the words name."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playground.demo.dice import Dice

from .canvas import WHITE, Box, Canvas, Colour, png

_LONGEST = 512
# Sky above, sky below, sun, and three hills from far to near.
_PALETTES: tuple[tuple[Colour, ...], ...] = (
    ((64, 132, 201), (226, 240, 248), (255, 226, 138), (150, 186, 164), (98, 148, 118), (52, 104, 86)),
    ((58, 38, 92), (250, 170, 120), (255, 236, 190), (166, 92, 112), (116, 62, 98), (66, 40, 78)),
    ((110, 190, 196), (252, 238, 214), (250, 148, 98), (196, 178, 142), (150, 146, 112), (96, 108, 88)),
)
_NIGHT = ((14, 24, 58), (66, 92, 148), (240, 240, 224), (44, 66, 112), (30, 46, 84), (18, 28, 56))
_DARKNESS = re.compile(r"\b(night|moon|stars?|dark)\b", re.IGNORECASE)
_DARK = (40, 44, 58)

Shape = Callable[[Canvas, float], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen, in shares of the canvas's width and height; `hills` are (middle, width)."""

    palette: tuple[Colour, ...]
    sun: tuple[float, float]
    hills: tuple[tuple[float, float], ...]
    shape: Shape | None


def draw(words: str, ratio: str, dice: Dice) -> bytes:
    """A PNG whose longer side has 512 pixels; it says DEMO in a corner."""
    width, height = sized(ratio, _LONGEST)
    return picture(words, width, height, dice)


def picture(words: str, width: int, height: int, dice: Dice) -> bytes:
    return png(paint(plan(words, dice), width, height, ink=lambda colour: colour))


def sized(ratio: str, longest: int) -> tuple[int, int]:
    """Width and height for a ratio such as 16:9; nothing is thinner than a quarter of its length."""
    match = re.fullmatch(r"([1-9]\d?):([1-9]\d?)", ratio)
    wide, high = (int(match[1]), int(match[2])) if match else (1, 1)
    scale = longest / max(wide, high)
    return max(round(wide * scale), longest // 4), max(round(high * scale), longest // 4)


def plan(words: str, dice: Dice) -> Scene:
    palette = _NIGHT if _DARKNESS.search(words) else dice.pick(_PALETTES)
    sun = ((25 + dice.number(50)) / 100, (20 + dice.number(18)) / 100)
    hills = tuple((dice.number(101) / 100, 0.75 + dice.number(30) / 100) for _ in palette[3:])
    return Scene(palette, sun, hills, _named(words))


def paint(
    scene: Scene, width: int, height: int, *, ink: Callable[[Colour], Colour], at: float | None = None
) -> Canvas:
    """The scene, or its moment `at` a share of a film: the sun goes over, and what the words name goes by."""
    canvas = Canvas(width, height, scene.palette[0], scene.palette[1], ink=ink)
    gone = 0 if at is None else at - 0.5
    sun = (width * (scene.sun[0] + gone * 0.4), height * (scene.sun[1] + gone * gone * 0.3))
    canvas.ellipse(sun, height * 0.09, height * 0.09, scene.palette[2])
    for depth, (middle, wide) in enumerate(scene.hills):
        centre = (width * middle, height * (1.02 + depth * 0.1))
        canvas.ellipse(centre, width * wide, height * (0.46 - depth * 0.04), scene.palette[3 + depth])
    if scene.shape:
        scene.shape(canvas, gone * 60)
    if at is not None:
        # Shows at a glance where one is in the film.
        canvas.bar(Box(0, height - 4, round(width * at), height), WHITE)
    canvas.sign()
    return canvas


def _named(words: str) -> Shape | None:
    return next((shape for pattern, shape in _SHAPES if re.search(pattern, words, re.IGNORECASE)), None)


def _boat(canvas: Canvas, aside: float) -> None:
    canvas.polygon(((-199, 0), (199, 0), (199, 22), (-199, 22)), (58, 116, 158))
    canvas.polygon(((-199, 0), (199, 0), (199, 12), (-199, 12)), (44, 94, 136))
    canvas.polygon(((-2, 26), (-2, 62), (-22, 26)), WHITE, aside=aside)
    canvas.polygon(((1, 26), (1, 56), (19, 26)), (228, 226, 218), aside=aside)
    canvas.polygon(((-20, 12), (20, 12), (28, 24), (-28, 24)), (196, 86, 62), aside=aside)


def _house(canvas: Canvas, aside: float) -> None:
    aside /= 4
    canvas.polygon(((-20, 10), (20, 10), (20, 34), (-20, 34)), (240, 226, 200), aside=aside)
    canvas.polygon(((-25, 34), (25, 34), (0, 54)), (178, 74, 58), aside=aside)
    canvas.polygon(((-4, 10), (4, 10), (4, 24), (-4, 24)), _DARK, aside=aside)
    canvas.polygon(((9, 20), (16, 20), (16, 28), (9, 28)), (120, 178, 206), aside=aside)
    canvas.polygon(((-16, 20), (-9, 20), (-9, 28), (-16, 28)), (120, 178, 206), aside=aside)


def _tree(canvas: Canvas, aside: float) -> None:
    aside /= 4
    canvas.polygon(((-3, 8), (3, 8), (2, 26), (-2, 26)), (104, 74, 52), aside=aside)
    for foot, wide, top in ((20, 20, 44), (32, 16, 54), (43, 11, 64)):
        canvas.polygon(((-wide, foot), (wide, foot), (0, top)), (44, 112 + foot, 82), aside=aside)


_SHAPES: tuple[tuple[str, Shape], ...] = (
    (r"\b(boats?|ships?|sail\w*|sea|ocean|lake|harbou?r)\b", _boat),
    (r"\b(houses?|home|hut|cabin|village|building)\b", _house),
    (r"\b(trees?|forest|woods?|pine|garden)\b", _tree),
)
