"""What the demo's songs are made of: words, notes, samples, and the film with its sound."""

import base64
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.demo.dice import Dice
from playground.demo.media.film import film
from playground.demo.media.sound import RATE, length_of, wav
from playground.demo.media.suno_lyrics import read, subject, write
from playground.demo.media.suno_score import Wanted, compose
from playground.demo.media.suno_sound import between, layers_of, length_s, peaks, play, whole, words_of
from playground.demo.media.suno_video import with_sound

LYRICS = "[Verse]\nA boat of paper\nleaves the pier\n[Chorus]\nrow, row\nfar from here"
LOUD = ["fast rock guitar", "fast soul", "metal dance", "happy upbeat techno"]


def song(style="fast soul", **fields):
    return whole(Wanted(LYRICS, style, "a", **fields))


@pytest.mark.parametrize("style", LOUD)
@pytest.mark.parametrize("instrumental", [False, True])
def test_everything_at_once_is_never_clipped(style, instrumental):
    made = song(style, instrumental=instrumental)
    # The sum does not fit into 16 bits where it would have to be clipped: array raises OverflowError.
    assert max(play(made, layers_of(made))) < 32_767


def test_a_song_is_as_long_as_it_says():
    made = song()
    assert length_of(wav(play(made, layers_of(made)))) == pytest.approx(length_s(made), abs=0.01)


def test_the_words_are_where_the_voice_is():
    made = song()
    voice = play(made, frozenset({"vocal"}))
    words = words_of(made)
    first, last = words[0], words[-1]
    assert not any(voice[: round(first.start_s * RATE) - RATE // 50])
    assert not any(voice[round(last.end_s * RATE) + RATE // 50 :])
    for word in words:
        assert any(voice[round(word.start_s * RATE) : round(word.end_s * RATE)])


def test_a_part_of_a_song_is_what_sounds_there():
    made = song()
    everything, layers = play(made, layers_of(made)), layers_of(made)
    part = between(made, 2.0, 5.0)
    assert play(part, layers) == everything[2 * RATE : 5 * RATE]
    twice = part + part
    assert play(between(twice, 1.0, 4.0), layers) == (everything[2 * RATE : 5 * RATE] * 2)[RATE : 4 * RATE]
    assert between(made, 5.0, 5.0) == ()


def test_choruses_are_sung_higher_and_with_a_second_voice():
    score = compose(Wanted(LYRICS, "soul", "a"))
    assert {note.layer for note in score.notes} >= {"vocal", "backingVocals"}
    chorus = min(note.at_s for note in score.notes if note.layer == "backingVocals")
    assert chorus > min(note.at_s for note in score.notes if note.layer == "vocal")


def test_styles_change_the_tempo_and_the_band():
    slow, fast = compose(Wanted(LYRICS, "slow ballad", "a")), compose(Wanted(LYRICS, "fast punk", "a"))
    assert slow.length_s > fast.length_s
    assert "keyboard" in {note.layer for note in slow.notes}
    assert {"guitar", "drums"} <= {note.layer for note in fast.notes}
    assert "drums" not in {note.layer for note in compose(Wanted(LYRICS, "acoustic", "a")).notes}


@pytest.mark.parametrize(
    ("prompt", "about"),
    [
        ("A calm song about paper boats", "paper boats"),
        ("sing of the sea. Loudly!", "the sea"),
        ("demo-fails about boats demo-poll-429", "boats"),
        ("one two three four five six", "two three four five six"),
        ("", "nothing in particular"),
        ("demo-fails", "nothing in particular"),
    ],
)
def test_a_song_is_about_what_it_was_asked_about(prompt, about):
    assert subject(prompt) == about
    assert about in write(prompt, Dice(b"a"))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=30))
def test_any_words_can_be_sung(text, style):
    score = compose(Wanted(text, style, "a"))
    assert score.length_s > 0
    assert len(score.words) == sum(len(line.words) for line in read(text))
    sung = [word for word in score.words if word.sung]
    assert all(0 < word.start_s < word.end_s <= score.length_s for word in sung)


def test_the_shape_of_a_sound_has_as_many_figures_as_wanted():
    made = song()
    shape = peaks(play(made, layers_of(made)), 120)
    assert len(shape) == 120
    assert all(0 <= value <= 1 for value in shape) and max(shape) > 0.3


def boxes(data, start=0, end=None):
    """Name, start and end of the content of each box in a row."""
    end, found = len(data) if end is None else end, []
    while start < end:
        size, name = struct.unpack_from(">I4s", data, start)
        found.append((name.decode(), start + 8, start + size))
        start += size
    return found


def inside(data, path, number=0):
    """Where the content of a box is; `number` counts the tracks."""
    start, end = 0, len(data)
    for name in path.split("/"):
        fitting = [box for box in boxes(data, start, end) if box[0] == name]
        _, start, end = fitting[number if name == "trak" else 0]
    return start


def table(data, name, number):
    return inside(data, f"moov/trak/mdia/minf/stbl/{name}", number)


@pytest.fixture(scope="module")
def video():
    made = song()
    pictures = film("a boat", "16:9", round(length_s(made)), Dice(b"a"))
    return pictures, play(made, layers_of(made)), with_sound(pictures, play(made, layers_of(made)))


def test_the_pictures_are_found_where_the_film_says(video):
    pictures, _, data = video
    before, after = (struct.unpack_from(">I", one, table(one, "stco", 0) + 8)[0] for one in (pictures, data))
    assert data[after : after + 2_000] == pictures[before : before + 2_000]


def test_the_sound_in_the_film_is_the_song_sample_by_sample(video):
    _, samples, data = video
    count = struct.unpack_from(">I", data, table(data, "stsz", 1) + 8)[0]
    sizes = struct.unpack_from(f">{count}I", data, table(data, "stsz", 1) + 12)
    place = struct.unpack_from(">I", data, table(data, "stco", 1) + 8)[0]
    heard = b""
    for number, size in enumerate(sizes):
        frame = data[place : place + size]
        head = 4 + len(chr(number).encode()) + 2
        assert frame[:2] == b"\xff\xf8" and frame[4 : head - 2].decode() == chr(number)
        assert frame[head + 1] == 2
        heard += frame[head + 2 : -2]
        place += size
    assert place == len(data)
    assert heard == struct.pack(f">{len(samples)}h", *samples)


@pytest.mark.browser
def test_a_browser_plays_the_film_and_hears_the_song(page, video):
    page.set_content('<!doctype html><html lang="en"><title>Film</title><video></video></html>')
    _, samples, data = video
    told = page.evaluate(
        """async source => {
            const video = document.querySelector('video');
            await new Promise((done, fail) => {
                video.onloadeddata = done; video.onerror = () => fail(new Error(video.error.message));
                video.src = source;
            });
            const sound = await new AudioContext({sampleRate: 16000}).decodeAudioData(
                await (await fetch(source)).arrayBuffer());
            const loudest = sound.getChannelData(0).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
            return [video.videoWidth, video.duration, sound.duration, loudest];
        }""",
        "data:video/mp4;base64," + base64.b64encode(data).decode(),
    )
    seconds = len(samples) / RATE
    assert told[0] == 256
    assert told[1] == pytest.approx(seconds, abs=0.6)
    assert told[2] == pytest.approx(seconds, abs=0.1)
    assert told[3] == pytest.approx(max(map(abs, samples)) / 32_768, abs=0.01)
