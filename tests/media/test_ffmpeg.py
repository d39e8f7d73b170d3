"""What ffmpeg tells of films and sounds, on files of its own making."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from playground.media import probes, sniff
from playground.media.probes import Facts
from tests._servers.processes import PATIENCE_S
from tests.media.conftest import Bench, Place, fresh
from tests.media.upstream import Upstream

pytestmark = pytest.mark.ffmpeg
# Black for half a second, then colours.
LOOK = "size=640x360:rate=10"
FILM = f"color=black:{LOOK}:duration=0.5[a];testsrc={LOOK}:duration=2.5[b];[a][b]concat"
# Ever louder.
SOUND = "aevalsrc='sin(440*2*PI*t)*t/3':d=3"
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make("a.mp4", film)`: a file that ffmpeg draws."""

    def made(name: str, graph: str) -> Path:
        argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", graph]
        argv += ["-pix_fmt", "yuv420p"] if graph == FILM else []
        subprocess.run([*argv, str(tmp_path / name)], check=True, timeout=PATIENCE_S)
        return tmp_path / name

    return made


def facts(path: Path) -> Facts:
    found = sniff.type_of(path.read_bytes()[: sniff.HEAD])
    assert found is not None
    return probes.facts_of(path, found.kind, found.media_type)


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "film.mov"])
def test_a_film_has_its_size_its_length_and_a_poster_that_is_not_black(make: Make, name: str) -> None:
    told = facts(make(name, FILM))
    assert (told.width, told.height) == (640, 360)
    assert told.duration_s == pytest.approx(3, abs=0.2)
    with Image.open(io.BytesIO(told.thumbnail)) as poster:
        assert (poster.format, poster.size) == ("JPEG", (480, 270))
        assert max(high for _, high in poster.convert("RGB").getextrema()) > 100


@pytest.mark.parametrize("name", ["song.mp3", "song.ogg", "song.flac", "song.m4a", "song.aac"])
def test_a_sound_has_its_length_and_a_waveform(make: Make, name: str) -> None:
    told = facts(make(name, SOUND))
    assert told.duration_s == pytest.approx(3, abs=0.2)
    assert len(told.waveform) == probes.PEAKS
    assert told.waveform[10] < told.waveform[100] < told.waveform[180] <= 1
    assert told.waveform[180] > 0.8


def test_a_sound_of_hours_has_no_waveform_but_its_length(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "LONGEST_WAVE_S", 2)
    told = facts(make("song.mp3", SOUND))
    assert told.duration_s == pytest.approx(3, abs=0.2)
    assert told.waveform == ()


@pytest.mark.parametrize("media_type", ["video/mp4", "video/webm", "audio/mpeg"])
def test_a_list_of_other_files_is_not_followed(make: Make, tmp_path: Path, media_type: str) -> None:
    film = make("film.mp4", FILM)
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile:{film}\n#EXT-X-ENDLIST\n")
    assert probes.facts_of(playlist, media_type.partition("/")[0], media_type) == Facts()


def test_a_broken_film_is_kept_without_a_poster(make: Make) -> None:
    whole = make("film.mp4", FILM)
    whole.write_bytes(whole.read_bytes()[:4000])
    assert facts(whole) == Facts()


def test_the_poster_of_a_film_that_was_made_is_shown_to_the_team(
    make: Make,
    place: Place,
    bench: Bench,
    upstream: Upstream,
    sign_in: Callable[[User], Client],
    owner: User,
) -> None:
    film = make("film.mp4", FILM)
    task = place()
    bench.run()
    upstream.finish(url=upstream.put("film.mp4", film.read_bytes()))
    bench.again(2)
    asset = fresh(task).assets.get()
    assert (asset.status, asset.width, asset.height) == ("kept", 640, 360)
    assert asset.duration_s == pytest.approx(3, abs=0.2)
    answer = sign_in(owner).head(reverse("media:thumbnail", args=[asset.pk]))
    assert answer["Content-Type"] == "image/jpeg"
    with default_storage.open(asset.thumbnail.name) as file, Image.open(file) as poster:
        assert poster.size == (480, 270)
