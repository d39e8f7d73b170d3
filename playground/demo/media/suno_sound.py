"""Plays a demo song: every layer of a score as samples, and cuts of several scores in a row."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat
from operator import add, mul

from .sound import RATE
from .suno_score import Note, Score, Sung, Wanted, compose

VOICES = frozenset({"vocal", "backingVocals"})

_TABLE = 256
# Strengths of the harmonics, how fast a note dies away (per second) and how loud the layer is. The sum of
# all that sounds at once stays below 32,767, so that no sample ever has to be clipped.
_TIMBRES: dict[str, tuple[tuple[float, ...], float, int]] = {
    "vocal": ((1.0, 0.55, 0.5, 0.2, 0.12, 0.1), 0.0, 8_000),
    "backingVocals": ((1.0, 0.4, 0.2), 0.0, 2_600),
    "synth": ((1.0, 0.5, 0.33, 0.25, 0.2, 0.17), 0.6, 6_500),
    "bass": ((1.0, 0.4, 0.1), 1.2, 5_500),
    "keyboard": ((1.0, 0.3, 0.15, 0.05), 1.6, 1_900),
    "guitar": ((1.0, 0.6, 0.4, 0.3, 0.15), 4.0, 3_000),
}
_DRUM_LOUD = (7_000, 3_500, 1_300)


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a composition; a song is one or more of them in a row."""

    wanted: Wanted
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


Cuts = tuple[Cut, ...]


def whole(wanted: Wanted) -> Cuts:
    return (Cut(wanted, 0.0, _composed(wanted).length_s),)


def length_s(song: Cuts) -> float:
    return round(sum(cut.length_s for cut in song), 2)


def between(song: Cuts, start_s: float, end_s: float) -> Cuts:
    """The part of a song from one moment to another."""
    kept, at = [], 0.0
    for cut in song:
        low, high = max(start_s - at, 0.0), min(end_s - at, cut.length_s)
        if high > low:
            kept.append(Cut(cut.wanted, cut.start_s + low, cut.start_s + high))
        at += cut.length_s
    return tuple(kept)


def words_of(song: Cuts) -> list[Sung]:
    """All words with their times in the whole song; those cut away are gone."""
    words, at = [], 0.0
    for cut in song:
        for word in _composed(cut.wanted).words:
            start, end = max(word.start_s, cut.start_s), min(word.end_s, cut.end_s)
            if not word.sung:
                words.append(word)
            elif end > start:
                shift = at - cut.start_s
                words.append(Sung(word.text, round(start + shift, 2), round(end + shift, 2)))
        at += cut.length_s
    return words


def layers_of(song: Cuts) -> frozenset[str]:
    return frozenset(note.layer for cut in song for note in _composed(cut.wanted).notes)


def play(song: Cuts, layers: frozenset[str]) -> array[int]:
    """The chosen layers of a song, mixed."""
    samples = array("h")
    for cut in song:
        first, last = round(cut.start_s * RATE), round(cut.end_s * RATE)
        samples.extend(_mixed(_played(cut.wanted), layers, first, last))
    return samples


def peaks(samples: array[int], count: int) -> list[float]:
    """The shape of the sound in this many figures from 0 to 1."""
    size = max(len(samples) // count, 1)
    parts = (samples[start : start + size] for start in range(0, size * count, size))
    return [round(max(map(abs, part), default=0) / 32_768, 3) for part in parts]


def _mixed(played: dict[str, array[int]], layers: frozenset[str], first: int, last: int) -> Iterable[int]:
    chosen = [samples[first:last] for layer, samples in sorted(played.items()) if layer in layers]
    if not chosen:
        return array("h", bytes(2 * (last - first)))
    mixed: Iterable[int] = chosen[0]
    for samples in chosen[1:]:
        mixed = map(add, mixed, samples)
    return mixed


@lru_cache(maxsize=64)
def _composed(wanted: Wanted) -> Score:
    return compose(wanted)


# Several megabytes each: enough for the songs somebody listens to right now.
@lru_cache(maxsize=3)
def _played(wanted: Wanted) -> dict[str, array[int]]:
    score = _composed(wanted)
    length = round(score.length_s * RATE)
    tones = _tones(score)
    layers: dict[str, array[int]] = {}
    for note in score.notes:
        _lay(layers.setdefault(note.layer, array("h")), round(note.at_s * RATE), _sound(note, tones))
    for layer in layers.values():
        layer.extend(array("h", bytes(2 * max(length - len(layer), 0))))
        del layer[length:]
    return layers


def _lay(layer: array[int], start: int, sound: array[int]) -> None:
    """Put a sound into its place; only where another still sounds the two have to be added."""
    if start > len(layer):
        layer.extend(array("h", bytes(2 * (start - len(layer)))))
    shared = min(len(layer) - start, len(sound))
    layer[start : start + shared] = array("h", map(add, layer[start : start + shared], sound))
    layer.extend(sound[shared:])


def _tones(score: Score) -> dict[tuple[str, int], array[int]]:
    """Every tone of every layer once, as long as its longest note: this is most of the work."""
    longest: dict[tuple[str, int], float] = {}
    for note in score.notes:
        which = (note.layer, note.pitch)
        longest[which] = max(note.lasts_s, longest.get(which, 0))
    return {which: _tone(*which, round(s * RATE)) for which, s in longest.items() if which[0] != "drums"}


def _sound(note: Note, tones: dict[tuple[str, int], array[int]]) -> array[int]:
    samples = round(note.lasts_s * RATE)
    if note.layer == "drums":
        return _drum(note.pitch, samples, note.loud)
    sound = tones[note.layer, note.pitch][:samples]
    fall = min(RATE // 25, samples)
    down = range(fall - 1, -1, -1)
    end = (value * left // fall for value, left in zip(sound[samples - fall :], down, strict=True))
    sound[samples - fall :] = array("h", end)
    return sound


def _tone(layer: str, pitch: int, samples: int) -> array[int]:
    """A tone that rises quickly and then dies away as its layer does."""
    table, (_, dies, _) = _table(layer), _TIMBRES[layer]
    step = 440 * 2 ** ((pitch - 69) / 12) * _TABLE / RATE
    places: Iterable[float] = (i * step for i in range(samples))
    if layer in VOICES:
        places = map(add, places, _sway(samples))
    tone = array("h", (table[int(place) % _TABLE] for place in places))
    rise = min(RATE // 100 if dies else RATE // 30, samples)
    tone[:rise] = array("h", (value * i // rise for i, value in enumerate(tone[:rise])))
    return _dying(tone, dies) if dies else tone


def _sway(samples: int) -> Iterable[float]:
    """The slow sway of the pitch that makes a voice, five and a half times a second."""
    turn = 2 * math.pi * 5.5 / RATE
    return (0.075 * _TABLE * math.sin(i * turn) for i in range(samples))


def _dying(tone: array[int], dies: float) -> array[int]:
    left = math.exp(-dies / RATE)
    gains = accumulate(repeat(left, len(tone) - 1), mul, initial=1.0)
    return array("h", map(int, map(mul, tone, gains)))


@lru_cache(maxsize=16)
def _table(layer: str) -> list[int]:
    harmonics, _, loud = _TIMBRES[layer]
    turns = [2 * math.pi * place / _TABLE for place in range(_TABLE)]
    wave = [sum(s * math.sin(turn * (n + 1)) for n, s in enumerate(harmonics)) for turn in turns]
    highest = max(map(abs, wave))
    return [int(value * loud / highest) for value in wave]


@lru_cache(maxsize=8)
def _drum(kind: int, samples: int, loud: float) -> array[int]:
    """Bass drum, snare, hi-hat: a falling tone, noise with a tone, noise."""
    top = _DRUM_LOUD[kind] * loud
    noise, out = 12_345, array("h")
    for i in range(samples):
        noise = (noise * 1_103_515_245 + 12_345) % 2**31
        hiss = noise / 2**30 - 1
        tone = math.sin(2 * math.pi * (55 * i / RATE + 4 * (1 - math.exp(-30 * i / RATE))))
        share = (0.0, 0.75, 1.0)[kind]
        out.append(int(top * (hiss * share + tone * (1 - share)) * (1 - i / samples)))
    return out
