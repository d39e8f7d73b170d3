"""The tracks of a song task: two takes of what was asked for, made new or out of an earlier track."""

import uuid
from dataclasses import dataclass
from typing import Any

from playground.demo.dice import Dice

from .suno_fields import Body, NotTaken
from .suno_lyrics import plain, title_of, write
from .suno_score import Wanted
from .suno_sound import Cuts, between, layers_of, length_s, whole

TAKES = 2
# A song that is extended again and again ends here.
LONGEST_S = 240


@dataclass(frozen=True, slots=True)
class Track:
    id: str
    title: str
    tags: str
    prompt: str
    model_name: str
    cuts: Cuts

    @property
    def duration_s(self) -> float:
        return length_s(self.cuts)

    @property
    def layers(self) -> frozenset[str]:
        return layers_of(self.cuts)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the takes of one task have in common."""

    title: str
    tags: str
    lyrics: str
    model_name: str
    instrumental: bool
    voice: str

    def wanted(self, take: int, *, intro: bool = True) -> Wanted:
        seed = f"{self.voice}|{take}"
        return Wanted(self.lyrics, self.tags, seed, instrumental=self.instrumental, intro=intro)


def make(action: str, body: Body, source: Track | None) -> tuple[Track, ...]:
    """Both takes; `source` is the track that is extended or changed."""
    sheet = _sheet(action, body, source)
    return tuple(_track(sheet, _cuts(action, body, sheet, source, take)) for take in range(TAKES))


def _track(sheet: Sheet, cuts: Cuts) -> Track:
    return Track(
        str(uuid.uuid4()),
        sheet.title,
        sheet.tags,
        sheet.lyrics,
        sheet.model_name,
        cuts,
    )


def _cuts(action: str, body: Body, sheet: Sheet, source: Track | None, take: int) -> Cuts:
    if source is None:
        return whole(sheet.wanted(take))
    new = whole(sheet.wanted(take, intro=False))
    if action == "replace-section":
        start, end = body["infillStartS"], body["infillEndS"]
        filling = _fitted(new, end - start)
        return between(source.cuts, 0, start) + filling + between(source.cuts, end, source.duration_s)
    start = body.get("continueAt") or source.duration_s
    return between(between(source.cuts, 0, start) + new, 0, LONGEST_S)


def _fitted(new: Cuts, seconds: float) -> Cuts:
    """As much of the new as is wanted, over again where it is too short."""
    filling = new
    while length_s(filling) < seconds:
        filling += new
    return between(filling, 0, seconds)


def _sheet(action: str, body: Body, source: Track | None) -> Sheet:
    prompt = plain_lines(body.get("prompt") or "")
    own = body.get("customMode") or body.get("defaultParamFlag") or action in _OWN_WORDS
    instrumental = action == "add-instrumental" or body.get("instrumental", False)
    lyrics = prompt if own and prompt else _written(body, source)
    return Sheet(
        title=_title(body, prompt, source),
        tags=_tags(body, source),
        lyrics="" if instrumental else lyrics,
        model_name=_model_name(body, source),
        instrumental=instrumental,
        voice="|".join(str(body.get(name)) for name in _VOICED),
    )


def _title(body: Body, prompt: str, source: Track | None) -> str:
    said = plain(body.get("title") or "")
    return said or (source.title if source else title_of(prompt or "A demo song"))


_OWN_WORDS = frozenset({"add-vocals", "replace-section"})
# Whatever changes how a song sounds; the words and the style go in by themselves.
_VOICED = ("uploadUrl", "personaId", "vocalGender", "weirdnessConstraint", "styleWeight", "prompt", "model")


def _written(body: Body, source: Track | None) -> str:
    asked = body.get("prompt") or body.get("title") or (source.title if source else "a demo song")
    return write(asked, Dice(asked.encode("utf-8", "surrogatepass")))


def _tags(body: Body, source: Track | None) -> str:
    said = plain(body.get("style") or body.get("tags") or "")
    return said or (source.tags if source else "demo, " + plain(body.get("prompt") or "song")[:80])


def _model_name(body: Body, source: Track | None) -> str:
    model: Any = body.get("model")
    if not model and source:
        return source.model_name
    return "chirp-" + str(model or "V5").lower().replace("_", ".")


def plain_lines(text: str) -> str:
    """Like `plain`, with the lines kept."""
    return "\n".join(plain(line) for line in text.splitlines()).strip()


def check(action: str, body: Body, source: Track) -> None:
    """Refuse times that are not in the track."""
    lasts = source.duration_s
    if action == "replace-section":
        start, end = body["infillStartS"], body["infillEndS"]
        if end > lasts:
            raise NotTaken(400, f"infillEndS must lie in the track, which lasts {lasts:g} seconds")
        if end - start > lasts / 2:
            raise NotTaken(400, "The replaced section must be at most half of the track")
    elif not 0 <= (body.get("continueAt") or 0) <= lasts:
        raise NotTaken(400, f"continueAt must lie in the track, which lasts {lasts:g} seconds")
