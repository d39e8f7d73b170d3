"""Pictures, films and sounds of the demo: whole, playable, as large and long as asked, and each its own."""

import base64
import io
import struct
import wave

import pytest

from playground.demo.dice import Dice
from playground.demo.media.drawing import picture, sized
from playground.demo.media.film import film
from playground.demo.media.h264 import Bits
from playground.demo.media.recipes import Film, Larder, Picture
from playground.demo.media.sound import hum, length_of
from tests.demo.media_asking import boxes, png_size, seconds_of

RATIOS = ["16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "1:99"]


def dice(words="a boat"):
    return Dice(words.encode())


@pytest.mark.parametrize("size", [(64, 64), (333, 77), (1328, 1328), (2048, 1152)])
def test_a_picture_has_the_size_it_was_asked_for(size):
    assert png_size(picture("a boat at night", *size, dice())) == size


def test_nothing_is_thinner_than_a_quarter_of_its_length():
    assert sized("1:99", 1024) == (256, 1024)
    assert sized("no ratio", 1024) == (1024, 1024)


def test_other_words_make_another_picture_and_the_same_words_the_same():
    words = ["a boat", "a house", "a tree", "a boat at night", "something else"]
    made = [picture(one, 128, 128, dice(one)) for one in words]
    assert len(set(made)) == len(words)
    assert [picture(one, 128, 128, dice(one)) for one in words] == made


def test_other_words_make_another_film():
    films = [Film(words, "1:1", 1).make() for words in ("a boat", "a house", "a boat at night")]
    assert len(set(films)) == 3
    assert Film("a boat", "1:1", 1).make() == films[0]


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_film_is_a_whole_mp4_that_can_start_before_it_is_loaded(ratio):
    made = film("a boat", ratio, 2, dice())
    found = boxes(made)
    assert list(found)[0] == "/ftyp"
    assert list(found).index("/moov") < list(found).index("/mdat")
    count, *_ = struct.unpack_from(">I", found["/moov/trak/mdia/minf/stbl/stsz"], 8)
    sizes = struct.unpack_from(f">{count}I", found["/moov/trak/mdia/minf/stbl/stsz"], 12)
    assert sum(sizes) == len(found["/mdat"])
    (place,) = struct.unpack_from(">I", found["/moov/trak/mdia/minf/stbl/stco"], 8)
    assert made[place : place + sizes[0]] == found["/mdat"][: sizes[0]]


@pytest.mark.parametrize("seconds", [1, 2, 5, 10, 15])
def test_a_film_lasts_as_long_as_it_was_asked_to(seconds):
    assert seconds_of(film("a house", "16:9", seconds, dice())) == seconds


@pytest.mark.parametrize("payload", [b"\0" * 7, b"\0\0\1", b"\0\0\2\0\0\3\0\0\0\0", b"\1\0\0\4\0\0\3"])
def test_no_row_of_zeros_looks_like_the_start_of_a_unit(payload):
    bits = Bits()
    bits.pcm(payload)
    written = bits.payload()
    assert not any(zeros in written for zeros in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert written.replace(b"\0\0\3", b"\0\0").startswith(payload)


def test_a_voice_hums_longer_for_more_words_and_is_a_wav():
    short, long = (hum(text, dice()) for text in ("Hello.", "Hello there, this is the demo gateway."))
    with wave.open(io.BytesIO(long)) as opened:
        assert (opened.getnchannels(), opened.getsampwidth()) == (1, 2)
        assert opened.getnframes() / opened.getframerate() == length_of(long)
        assert any(opened.readframes(2000))
    assert 0 < length_of(short) < length_of(long)


@pytest.mark.parametrize("text", ["", " ", "\0", "\ud83d", "word " * 5000])
def test_no_words_break_the_voice(text):
    assert 0 < length_of(hum(text, dice())) < 200


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF....WAVEfmt " + b"\0" * 60, b"ID3" + b"x" * 100])
def test_the_length_of_anything_else_is_unknown(data):
    assert length_of(data) is None


async def test_what_was_made_is_kept_until_there_is_no_room():
    larder, made = Larder(), []

    class Counted:
        media_type, suffix = "text/plain", "txt"

        def __init__(self, number):
            self.number = number

        def make(self):
            made.append(self.number)
            return bytes(9 * 1024 * 1024)

    files = [Counted(number) for number in range(4)]
    for one in [files[0], files[0], *files[1:], files[0]]:
        await larder.take(one)
    assert made == [0, 1, 2, 3, 0]
    assert await larder.take(Picture("a", 64, 64)) == await larder.take(Picture("a", 64, 64))


@pytest.mark.browser
@pytest.mark.parametrize(("ratio", "size"), [("16:9", [256, 144]), ("9:16", [144, 256]), ("4:3", [256, 192])])
def test_a_browser_plays_the_film_to_its_end(page, ratio, size):
    page.set_content('<!doctype html><html lang="en"><title>Film</title><video muted></video></html>')
    source = "data:video/mp4;base64," + base64.b64encode(film("a boat", ratio, 2, dice())).decode()
    told = page.evaluate(
        """async source => {
            const video = document.querySelector('video');
            await new Promise((done, fail) => {
                video.onloadeddata = done; video.onerror = () => fail(new Error(video.error.message));
                video.src = source;
            });
            const ended = new Promise((done, fail) => {
                video.onended = done; video.onerror = () => fail(new Error(video.error.message));
            });
            video.playbackRate = 4;
            await video.play();
            await ended;
            return [video.duration, [video.videoWidth, video.videoHeight]];
        }""",
        source,
    )
    assert told == [2, size]


@pytest.mark.browser
def test_a_browser_sees_the_sun_go_over_the_sky(page):
    page.set_content('<!doctype html><html lang="en"><title>Film</title><video muted></video></html>')
    source = "data:video/mp4;base64," + base64.b64encode(film("a boat", "16:9", 3, dice())).decode()
    sums = page.evaluate(
        """async source => {
            const video = document.querySelector('video'), canvas = document.createElement('canvas');
            await new Promise(done => { video.onloadeddata = done; video.src = source; });
            const pen = canvas.getContext('2d'), sums = [];
            for (const at of [0.1, 1.5, 2.9]) {
                await new Promise(done => {
                    const shown = (now, { mediaTime }) =>
                        Math.abs(mediaTime - at) < 0.3 ? done() : video.requestVideoFrameCallback(shown);
                    video.requestVideoFrameCallback(shown);
                    video.currentTime = at;
                });
                pen.drawImage(video, 0, 0, 300, 150);
                const pixels = pen.getImageData(0, 0, 300, 60).data;
                let most = 0, place = 0;
                for (let spot = 0; spot < pixels.length; spot += 4) {
                    const light = pixels[spot] + pixels[spot + 1] + pixels[spot + 2];
                    if (light > most) { most = light; place = (spot / 4) % 300; }
                }
                sums.push(place);
            }
            return sums;
        }""",
        source,
    )
    assert sums[0] < sums[1] < sums[2]
