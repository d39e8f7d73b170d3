"""Composes a demo song: which note is sung or played when, from its words, its style and a seed."""

import re
from dataclasses import dataclass

from playground.demo.dice import Dice

from .suno_lyrics import Line, read, syllables

SUNG_LINES = 24
_CLOSE_LINES = 8

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 3), (0, 2, 3, 4))
_SLOW = re.compile(r"\b(slow|calm|ballad|lullaby|ambient|soft|quiet|sad)\b", re.IGNORECASE)
_FAST = re.compile(r"\b(fast|punk|dance|techno|metal|energetic|happy|upbeat|rock)\b", re.IGNORECASE)
_SAD = re.compile(r"\b(sad|dark|minor|melancho\w*|gothic|blues|lonely)\b", re.IGNORECASE)
_GUITAR = re.compile(r"\b(acoustic|guitars?|folk|country|rock|punk|metal)\b", re.IGNORECASE)
_NO_DRUMS = re.compile(r"\b(acoustic|lullaby|ambient|piano|choral|a ?cappella)\b", re.IGNORECASE)
# How the syllables of a line share its time.
_RHYTHMS = ((1, 1, 1, 1), (2, 1, 1, 2), (1, 1, 2), (3, 1, 2, 2), (1.5, 0.5, 1, 1))
_STEPS = (-2, -1, -1, 0, 1, 1, 2)


@dataclass(frozen=True, slots=True)
class Note:
    """`pitch` as MIDI counts them, times in seconds; `loud` is 1 for the full voice of its layer."""

    layer: str
    at_s: float
    lasts_s: float
    pitch: int
    loud: float = 1.0


@dataclass(frozen=True, slots=True)
class Sung:
    """A word and when it is sung; one that found no room in the song has no time."""

    text: str
    start_s: float = 0.0
    end_s: float = 0.0
    sung: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    notes: tuple[Note, ...]
    words: tuple[Sung, ...]
    length_s: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to compose: the same wish gives the same score."""

    lyrics: str
    style: str
    seed: str
    instrumental: bool = False
    intro: bool = True


@dataclass(frozen=True, slots=True)
class _Key:
    root: int
    scale: tuple[int, ...]

    def pitch(self, degree: int) -> int:
        octave, step = divmod(degree, 7)
        return self.root + 12 * octave + self.scale[step]


def compose(wanted: Wanted) -> Score:
    return _Composer(wanted).score()


class _Composer:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        dice = self._dice("song")
        self._beat_s = 60 / (_beats_a_minute(wanted.style, dice))
        minor = bool(_SAD.search(wanted.style)) or dice.number(3) == 0
        self._key = _Key(55 + dice.number(9), _MINOR if minor else _MAJOR)
        self._chords = dice.pick(_PROGRESSIONS)
        self._drums = not _NO_DRUMS.search(wanted.style)
        self._chording = "guitar" if _GUITAR.search(wanted.style) else "keyboard"
        self._notes: list[Note] = []
        self._words: list[Sung] = []

    def score(self) -> Score:
        lines = self._lines()
        sung, left_out = lines[:SUNG_LINES], lines[SUNG_LINES:]
        bars_a_line = 2 if len(sung) <= _CLOSE_LINES else 1
        first = 2 if self._wanted.intro else 0
        for number, line in enumerate(sung):
            self._line(number, line, first + number * bars_a_line, bars_a_line)
        bars = first + len(sung) * bars_a_line + 1
        for bar in range(bars):
            self._accompany(bar, last=bar == bars - 1, full=bar >= first)
        self._words += [Sung(text, sung=False) for line in left_out for text in _spelled(line)]
        return Score(tuple(self._notes), tuple(self._words), round(bars * 4 * self._beat_s, 2))

    def _dice(self, what: str) -> Dice:
        wanted = self._wanted
        return Dice(f"{wanted.seed}|{wanted.style}|{what}".encode("utf-8", "surrogatepass"))

    def _lines(self) -> tuple[Line, ...]:
        lines = () if self._wanted.instrumental else read(self._wanted.lyrics)
        if lines:
            return lines
        # Nothing to sing: phrases for the leading instrument, in the form of a verse and a chorus.
        dice = self._dice(f"phrases {self._wanted.lyrics}")
        return tuple(
            Line("chorus" if number >= 4 else "verse", ("la",) * (5 + dice.number(5))) for number in range(8)
        )

    def _line(self, number: int, line: Line, bar: int, bars: int) -> None:
        # Verses share their tune, and so do choruses: it depends on the section, not on the words.
        dice = self._dice(f"{line.section} {number % 4}")
        counts = [syllables(word) for word in line.words]
        times = _share(sum(counts), dice.pick(_RHYTHMS), (bars * 4 - 1) * self._beat_s)
        degree = dice.pick((0, 2, 4)) + (2 if line.section == "chorus" else 0)
        at = start = bar * 4 * self._beat_s
        ends = []
        for lasts in times:
            self._sing(at, lasts, degree, chorus=line.section == "chorus")
            degree = min(max(degree + dice.pick(_STEPS), -2), 9)
            at += lasts
            ends.append(at)
        if self._has_words:
            self._align(line, counts, start, ends)

    @property
    def _has_words(self) -> bool:
        return not self._wanted.instrumental and bool(read(self._wanted.lyrics))

    def _sing(self, at: float, lasts: float, degree: int, *, chorus: bool) -> None:
        if not self._has_words:
            self._notes.append(Note("synth", at, lasts, self._key.pitch(degree)))
            return
        self._notes.append(Note("vocal", at, lasts, self._key.pitch(degree)))
        if chorus:
            self._notes.append(Note("backingVocals", at, lasts, self._key.pitch(degree + 2)))

    def _align(self, line: Line, counts: list[int], start: float, ends: list[float]) -> None:
        done = 0
        for text, count in zip(_spelled(line), counts, strict=True):
            begin = ends[done - 1] if done else start
            done += count
            self._words.append(Sung(text, round(begin, 2), round(ends[done - 1], 2)))

    def _accompany(self, bar: int, *, last: bool, full: bool) -> None:
        start = bar * 4 * self._beat_s
        degree = 0 if last else self._chords[bar % len(self._chords)]
        chord = [self._key.pitch(degree + step) for step in (0, 2, 4)]
        self._chord(start, chord, last=last)
        if not full:
            return
        for beat, pitch in ((0, chord[0]), (2, chord[2] if bar % 2 else chord[0])):
            self._notes.append(Note("bass", start + beat * self._beat_s, 1.8 * self._beat_s, pitch - 24))
        if self._drums and not last:
            self._beat(start)

    def _chord(self, start: float, chord: list[int], *, last: bool) -> None:
        if self._chording == "keyboard" or last:
            lasts = 3.9 * self._beat_s
            self._notes += [Note(self._chording, start, lasts, pitch - 12) for pitch in chord]
            return
        for eighth in range(8):
            pitch = chord[(0, 1, 2, 1)[eighth % 4]]
            self._notes.append(Note("guitar", start + eighth * self._beat_s / 2, self._beat_s, pitch - 12))

    def _beat(self, start: float) -> None:
        for eighth in range(8):
            at = start + eighth * self._beat_s / 2
            if eighth % 4 == 0:
                self._notes.append(Note("drums", at, 0.18, 0))
            if eighth % 4 == 2:
                self._notes.append(Note("drums", at, 0.14, 1))
            self._notes.append(Note("drums", at, 0.05, 2, 0.5 if eighth % 2 else 0.8))


def _spelled(line: Line) -> list[str]:
    """Words as they come back in time with the song: with the header before and the space after them."""
    ends = [" "] * (len(line.words) - 1) + ["\n"]
    texts = [word + end for word, end in zip(line.words, ends, strict=True)]
    return [line.header + texts[0], *texts[1:]]


def _share(count: int, rhythm: tuple[float, ...], seconds: float) -> list[float]:
    weights = [rhythm[number % len(rhythm)] for number in range(count)]
    return [weight * seconds / sum(weights) for weight in weights]


def _beats_a_minute(style: str, dice: Dice) -> int:
    if _SLOW.search(style):
        return 72 + dice.number(14)
    if _FAST.search(style):
        return 122 + dice.number(20)
    return 94 + dice.number(20)
