"""Sounds as WAV: a voice that hums where it would speak."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterator
from functools import lru_cache

from playground.demo.dice import Dice

RATE = 16_000
_LOUD = 9000


def hum(words: str, dice: Dice) -> bytes:
    """One tone for each word, as long as the word; a pause where a sentence ends. At most three minutes."""
    samples = array("h")
    for word in words.split()[:240]:
        length = min(0.08 + 0.045 * len(word), 0.45)
        samples.extend(_tone(150 * 2 ** (dice.pick((0, 2, 3, 5)) / 12), round(length, 2)))
        samples.extend(array("h", bytes(2 * int(RATE * (0.3 if word[-1] in ".!?:" else 0.05)))))
    return wav(samples or array("h", bytes(RATE)))


def wav(samples: array[int]) -> bytes:
    """16 bit mono; the host is taken to be little-endian, as WAV is."""
    data = samples.tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
    label = b"LIST" + struct.pack("<I", 4 + 8 + 30) + b"INFOICMT" + struct.pack("<I", 30)
    label += b"Made by the demo gateway".ljust(30, b"\0")
    body = b"WAVE" + form + label + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def length_of(data: bytes) -> float | None:
    """The seconds of a WAV; None for anything else."""
    place = data.find(b"data", 36, 4096)
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE" or place < 0 or data[12:16] != b"fmt ":
        return None
    (per_s,) = struct.unpack_from("<I", data, 28)
    return (len(data) - place - 8) / per_s if per_s else None


@lru_cache(maxsize=256)
def _tone(pitch: float, seconds: float) -> array[int]:
    """A tone that swells quickly and fades, so that no two of them click where they meet."""
    count = int(RATE * seconds)
    turn = 2 * math.pi * pitch / RATE
    return array("h", _wave(count, turn))


def _wave(count: int, turn: float) -> Iterator[int]:
    sine = math.sin
    for place in range(count):
        fade = min(place / 200, 1) * (1 - place / count)
        angle = turn * place
        yield int(_LOUD * fade * (sine(angle) + 0.4 * sine(2 * angle)))
