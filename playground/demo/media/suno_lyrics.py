"""Words of the demo's songs: writes them from a few templates, and reads anyone's into lines and sections."""

import re
from dataclasses import dataclass

from playground.demo.dice import Dice

LONGEST_SUBJECT = 60

_WISH = re.compile(r"\bdemo-[a-z0-9-]+", re.IGNORECASE)
_ABOUT = re.compile(r"\b(?:about|of|on|for)\s+(.{3,})", re.IGNORECASE | re.DOTALL)
_HEADER = re.compile(r"\s*\[([^\]\n]{1,40})\]\s*")
# Chinese and Japanese are sung sign by sign, everything else word by word.
_WORD = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]+")
_VOWELS = re.compile(r"[aeiouyäöüáàâéèêëíìîïóòôúùûœæ]+", re.IGNORECASE)

_VERSES = (
    ("Morning opens slowly on {s}", "every window keeps a little light"),
    ("There is a road that goes by {s}", "it bends before the river runs"),
    ("I wrote a line or two on {s}", "the ink was dry before the rain"),
    ("We left the lamp alight for {s}", "the kettle hummed an early tune"),
)
_CHORUSES = (
    ("Oh, {s}, carry me over", "every small thing has a shoulder", "stay with me another mile"),
    ("Sing it to {s}, sing it low", "sing it to the hills we know", "what we keep we let it go"),
    ("Hold on, hold on to {s}", "the night is only half as long", "hold on, hold on to the song"),
)
_ENDS = ("a demo song, and gently so", "only a demo, off we go", "a demo sings, and now you know")

_MOODS = ("warm", "close and quiet", "bright", "wide and dreamy", "dry and direct")
_SPEEDS = ("slow tempo", "easy mid tempo", "steady 100 bpm", "lively tempo")
_SOUNDS = ("felt piano", "fingered guitar", "soft synth bass", "brushed drums", "low strings")


@dataclass(frozen=True, slots=True)
class Line:
    """One sung line; `header` is what stands before it in the text, such as "[Verse]" and a new line."""

    section: str
    words: tuple[str, ...]
    header: str = ""


def plain(text: str) -> str:
    """The text without the words that ask the demo for something."""
    return " ".join(_WISH.sub(" ", text).split())


def subject(prompt: str) -> str:
    """What a song asked for in these words is about."""
    said = plain(prompt)
    about = _ABOUT.search(said)
    words = re.split(r"[.!?\n]", about[1] if about else said)[0].split()
    return " ".join(words if about else words[-5:])[:LONGEST_SUBJECT].strip(" ,;:") or "nothing in particular"


def title_of(prompt: str) -> str:
    return subject(prompt)[:80].title()


def write(prompt: str, dice: Dice) -> str:
    """The text of a song: two verses and a chorus between them; the last line says that it is a demo."""
    first, second = dice.some(_VERSES, 2)
    chorus = dice.pick(_CHORUSES)
    parts = (("Verse 1", first), ("Chorus", chorus), ("Verse 2", second), ("Outro", (dice.pick(_ENDS),)))
    about = subject(prompt)
    return "\n\n".join(
        "\n".join((f"[{name}]", *(line.replace("{s}", about) for line in lines))) for name, lines in parts
    )


def describe_style(content: str, dice: Dice) -> str:
    asked = plain(content)[:200] or "a song"
    return f"{asked}, {dice.pick(_SOUNDS)}, {dice.pick(_SPEEDS)}, {dice.pick(_MOODS)} mix"


def read(text: str) -> tuple[Line, ...]:
    """Lines with something to sing; headers in brackets name the sections."""
    section, header = "verse", ""
    lines = []
    for row in _WISH.sub(" ", text).splitlines():
        rest = row
        while match := _HEADER.match(rest):
            section, header = re.sub(r"[\W\d_]+", "", match[1].lower()) or "verse", f"[{match[1]}]\n"
            rest = rest[match.end() :]
        if words := tuple(_WORD.findall(rest)):
            lines.append(Line(section, words, header))
            header = ""
    return tuple(lines)


def syllables(word: str) -> int:
    return min(max(len(_VOWELS.findall(word)), 1), 4)
