"""What a Suno task has made so far: tracks, stems, films, pictures, texts (contract 13.3).

The shapes tell themselves apart, so one reader serves all queries, and an answer from another query than
the expected one is read as well. Names come in camelCase or, in older copies, in snake_case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from playground.gateway import exact
from playground.gateway.assembly import storable, word
from playground.gateway.media import answers
from playground.gateway.media.observation import Output, OutputKind
from playground.gateway.media.outputs import is_address
from playground.gateway.media.states import state_of

# Sources name 14 and 15 days.
LIVES_S = 14 * 24 * 3600
_MOST_ROWS = 50
_MOST_WORDS = 20_000
_LONGEST_LYRICS = 20_000
_STEM = re.compile(r"([a-z]+(?:[A-Z][a-z]*|_[a-z]+)*?)(?:Url|_url)")
_NOT_STEMS = frozenset(
    {"audio", "audio_wav", "callback", "call_back", "image", "stream_audio", "upload", "video"}
)
_CAPITALS = re.compile(r"(?<!^)([A-Z]+)")


def field(holder: Any, name: str) -> Any:
    """A field by its camelCase name, else by its snake_case one; None when it is not told, or empty."""
    if not isinstance(holder, dict):
        return None
    told = (holder.get(spelled) for spelled in (name, snake(name)))
    return next((value for value in told if value is not None and value != ""), None)


def identity(value: Any) -> str:
    """An id, as it is and unmasked: text, or a number written out; "" for anything else."""
    return word(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)


@lru_cache(maxsize=256)
def snake(name: str) -> str:
    return _CAPITALS.sub(r"_\1", name).lower()


def outputs_in(data: dict[str, Any]) -> tuple[Output, ...]:
    """All outputs, each key once. What still grows is not final."""
    response = data.get("response")
    found = [*_of_rows(data)]
    for holder in (response, data):
        if isinstance(holder, dict):
            found += [*_stems(holder, data), *_files(holder, data), *_texts(holder)]
    return tuple({output.key: output for output in reversed(found)}.values())[::-1]


def tracks_in(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in _rows(data) if _is_track(row)]


def is_finished(track: dict[str, Any]) -> bool:
    """The address of the file is empty until the track is whole; the stream plays from early on."""
    return bool(_address(track, "audioUrl"))


def _rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    response = data.get("response")
    places = (field(response, "sunoData"), field(response, "data"), response, field(data, "sunoData"))
    rows = next((place for place in places if isinstance(place, list) and place), [])
    return [row for row in rows[:_MOST_ROWS] if isinstance(row, dict)]


def _is_track(row: dict[str, Any]) -> bool:
    """Whether the row is a track, be it one without any address yet, rather than a variant of lyrics."""
    return "text" not in row or any(field(row, name) for name in ("audioUrl", "streamAudioUrl"))


def _of_rows(data: dict[str, Any]) -> Iterator[Output]:
    sung: set[str] = set()
    for number, row in enumerate(_rows(data), 1):
        if _is_track(row):
            yield from _track(row, identity(row.get("id")) or str(number), sung)
        else:
            told = answers.word(row.get("status"))
            whole = not told or state_of(told) == "succeeded"
            yield from _lyrics(row, str(number), {"title": row.get("title")}, final=whole)


def _track(row: dict[str, Any], name: str, sung: set[str]) -> Iterator[Output]:
    """A track, its picture, and its lyrics unless an earlier track sings the same."""
    whole, stream = _address(row, "audioUrl"), _address(row, "streamAudioUrl")
    image, title = _address(row, "imageUrl"), row.get("title")
    if whole or stream:
        about = {
            "id": identity(row.get("id")),
            "title": title,
            "tags": row.get("tags"),
            "duration": _seconds(row.get("duration")),
            "model": field(row, "modelName"),
            "image": image,
            "created": field(row, "createTime"),
        }
        yield _linked(f"audio:{name}", "audio", whole or stream, about, final=bool(whole))
    if image:
        yield _linked(f"image:{name}", "image", image, {"title": title, "track": name}, final=bool(whole))
    text = row.get("prompt")
    if isinstance(text, str) and text not in sung:
        sung.add(text)
        yield from _lyrics({"text": text}, name, {"title": title, "track": name}, final=bool(whole))


def _lyrics(row: dict[str, Any], name: str, about: dict[str, Any], *, final: bool = True) -> Iterator[Output]:
    text = row.get("text")
    if isinstance(text, str) and text.strip():
        yield Output(
            f"text:{name}", "text", text=storable(text[:_LONGEST_LYRICS]), final=final, meta=_meta(about)
        )


def _stems(holder: dict[str, Any], data: dict[str, Any]) -> Iterator[Output]:
    """The parts of a track; null ones are instruments it does not have. The whole track comes last."""
    if not any(field(holder, name) for name in ("originUrl", "vocalUrl", "instrumentalUrl", "originData")):
        return
    rows = {_address(row, "audioUrl"): row for row in _dicts(field(holder, "originData"))}
    parts = {snake(part[1]): _address(holder, name) for name in holder if (part := _STEM.fullmatch(name))}
    origin = parts.pop("origin", "")
    parts = {name: address for name, address in parts.items() if address and name not in _NOT_STEMS}
    more = {address: row for address, row in rows.items() if address and address not in parts.values()}
    for name, address in parts.items():
        yield _stem(name, name.replace("_", " ").capitalize(), address, rows.get(address), data)
    for number, (address, row) in enumerate(more.items(), 1):
        title = row.get("stem_type_group_name")
        yield _stem(identity(row.get("id")) or f"more-{number}", title, address, row, data)
    if origin and (parts or more):
        yield _stem("origin", "Whole track", origin, rows.get(origin), data)


def _stem(name: str, title: Any, address: str, row: dict[str, Any] | None, data: dict[str, Any]) -> Output:
    length = _seconds(row.get("duration")) if row else None
    about = {"title": title, "duration": length, "track": field(data, "musicId")}
    return _linked(f"audio:{name}", "audio", address, about)


def _files(holder: dict[str, Any], data: dict[str, Any]) -> Iterator[Output]:
    about = {"track": field(data, "musicId")}
    if wav := _address(holder, "audioWavUrl"):
        yield _linked("audio:wav", "audio", wav, about)
    if video := _address(holder, "videoUrl"):
        yield _linked("video:mp4", "video", video, about)
    images = holder.get("images")
    for number, image in enumerate(images[:_MOST_ROWS] if isinstance(images, list) else (), 1):
        row = image if isinstance(image, dict) else {"url": image}
        if address := _address(row, "url") or _address(row, "imageUrl"):
            yield _linked(f"image:{number}", "image", address, {})


def _texts(holder: dict[str, Any]) -> Iterator[Output]:
    words = _words(field(holder, "alignedWords"))
    if words:
        waveform = [
            value for row in _list(field(holder, "waveformData")) if (value := _level(row)) is not None
        ]
        yield Output("data:lyrics", "data", text=exact.dumps({"words": words, "waveform": waveform}))
    style = holder.get("result")
    if isinstance(style, str) and style.strip():
        yield Output("text:style", "text", text=storable(style[:_LONGEST_LYRICS]))
    persona = identity(field(holder, "personaId"))
    if persona:
        about = {"personaId": persona} | answers.picked(holder, ("name", "description"))
        meta = _meta({"id": persona, "title": holder.get("name")})
        yield Output("data:persona", "data", text=exact.dumps(about), meta=meta)


def _words(rows: Any) -> list[dict[str, Any]]:
    """Words with their times in seconds; one without both times cannot follow the player."""
    words = []
    for row in _dicts(rows, _MOST_WORDS):
        start, end = _seconds(field(row, "startS")), _seconds(field(row, "endS"))
        if isinstance(row.get("word"), str) and start is not None and end is not None:
            words.append({"word": storable(row["word"][:500]), "start_s": start, "end_s": end})
    return words


def _linked(key: str, kind: OutputKind, url: str, about: dict[str, Any], *, final: bool = True) -> Output:
    return Output(key, kind, url=url, final=final, lives_s=LIVES_S, meta=_meta(about))


def _meta(about: dict[str, Any]) -> dict[str, Any]:
    """What was told, as a database takes it; an object or a list is none of these."""
    told = {name: value for name, value in about.items() if isinstance(value, (str, float)) and value != ""}
    return answers.tidy_object(told)


def _address(holder: Any, name: str) -> str:
    value = field(holder, name)
    value = value.strip() if isinstance(value, str) else ""
    return value if is_address(value) else ""


def _seconds(value: Any) -> float | None:
    read = answers.number(value)
    return read if read is not None and 0 <= read < 1e6 else None


def _level(value: Any) -> float | None:
    return None if isinstance(value, str) else answers.number(value)


def _list(value: Any) -> list[Any]:
    return value[:_MOST_WORDS] if isinstance(value, list) else []


def _dicts(value: Any, most: int = _MOST_ROWS) -> list[dict[str, Any]]:
    return [row for row in value[:most] if isinstance(row, dict)] if isinstance(value, list) else []
