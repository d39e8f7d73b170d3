"""The files of the demo's music: which recipe makes the sound, the picture or the film of a name."""

from dataclasses import dataclass
from typing import ClassVar

from .recipes import Film, Picture, Recipe
from .sound import wav
from .suno_jobs import Job
from .suno_songs import Track
from .suno_sound import VOICES, Cuts, layers_of, play
from .suno_video import with_sound

_COVER_SIDE = 512


@dataclass(frozen=True, slots=True)
class Sounding:
    """Some layers of a song."""

    song: Cuts
    layers: frozenset[str]
    media_type: ClassVar[str] = "audio/wav"
    suffix: ClassVar[str] = "wav"

    def make(self) -> bytes:
        return wav(play(self.song, self.layers))


@dataclass(frozen=True, slots=True)
class MusicVideo:
    """A film as long as a song, and the song."""

    film: Film
    song: Cuts
    media_type: ClassVar[str] = "video/mp4"
    suffix: ClassVar[str] = "mp4"

    def make(self) -> bytes:
        return with_sound(self.film.make(), play(self.song, layers_of(self.song)))


def recipe(job: Job, name: str) -> Recipe:
    """The file that an answer about a task calls by this name, such as "audio:<track>" or "stem:drums"."""
    kind, _, which = name.partition(":")
    track = job.track(which) or job.source
    if track is None:
        raise ValueError(f"{name} belongs to no track")
    match kind:
        case "image":
            return Picture(_words(track), _COVER_SIDE, _COVER_SIDE, track.id)
        case "cover":
            return Picture(_words(track), _COVER_SIDE, _COVER_SIDE, f"{job.id} {which}")
        case "video":
            return MusicVideo(Film(_words(track), "16:9", round(track.duration_s), track.id), track.cuts)
        case "vocal":
            return Sounding(track.cuts, VOICES if job.body["type"] == "separate_vocal" else frozenset({kind}))
        case "instrumental":
            return Sounding(track.cuts, track.layers - VOICES)
        case "stem":
            return Sounding(track.cuts, frozenset({which}))
        case _:
            return Sounding(track.cuts, track.layers)


def _words(track: Track) -> str:
    return f"{track.title} {track.tags} {track.prompt}"
