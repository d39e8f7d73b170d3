"""Suno: songs and what is made of them, 16 routes that make tasks and 6 that tell of them (contract 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from playground.gateway.media import sending
from playground.gateway.media import suno_checks as checks
from playground.gateway.media import suno_fields as fields
from playground.gateway.media.observation import Observation, Submitted
from playground.gateway.media.operation import FileField, Inputs, Operation, Pace
from playground.gateway.media.suno_answers import read_refused, read_result, read_state, read_task
from playground.gateway.media.suno_callbacks import callback_hint
from playground.gateway.params import ParamSpec
from playground.gateway.request import WireRequest
from playground.gateway.wire.body import merged

__all__ = ["CALLBACK_FIELD", "OPERATIONS", "callback_hint", "query_for"]

CALLBACK_FIELD = "callBackUrl"
_ANYINT = "AnyInt: AI Music API"
_PACE = Pace(first_s=5, ceiling_s=30, deadline_s=20 * 60)
_PICTURE_PACE = Pace(first_s=5, ceiling_s=30, deadline_s=10 * 60)
_VIDEO_PACE = Pace(first_s=5, ceiling_s=30, deadline_s=30 * 60)
_OF_TRACK = {"taskId": "task", "audioId": "output"}
_SONG_MADE = (
    "extend",
    "replace-section",
    "timestamped-lyrics",
    "generate-cover",
    "mp4-generate",
    "wav-generate",
    "vocal-removal",
    "split-stem",
    "generate-persona",
)


@dataclass(frozen=True, slots=True)
class _Route:
    """One route, as far as it differs. `query` is the kind that tells of its tasks; `at_once`: the route
    gives its result itself. `adopts`: codes that name a task which exists already.
    """

    name: str
    label: str
    about: str
    fields: tuple[ParamSpec, ...]
    basic: tuple[str, ...]
    query: str = "task"
    checks: tuple[checks.Check, ...] = ()
    files: tuple[FileField, ...] = ()
    at_once: bool = False
    calls_back: bool = True
    wants_callback: bool = True
    adopts: frozenset[int] = frozenset()
    pace: Pace = _PACE
    takes_result: Mapping[str, str] = field(default_factory=dict)
    source: str = _ANYINT

    @property
    def makes_song(self) -> bool:
        return not self.at_once and self.query == "task"


_ROUTES = (
    _Route(
        "generate",
        "Song",
        "Two takes of a song from a description, or from your own lyrics, style and title.",
        fields.GENERATE,
        ("prompt", "customMode", "instrumental", "style", "title", "model"),
        checks=(checks.by_mode,),
        source="AnyInt: Music Generation",
    ),
    _Route(
        "extend",
        "Extend a song",
        "Goes on from a point of a track, with its own settings or with yours.",
        fields.EXTEND,
        ("audioId", "defaultParamFlag", "continueAt", "prompt", "style", "title", "model"),
        checks=(checks.by_own_parameters,),
        takes_result={"audioId": "output"},
    ),
    _Route(
        "upload-cover",
        "Cover of an upload",
        "Your recording, sung and played anew in another style.",
        fields.UPLOAD_COVER,
        ("prompt", "customMode", "instrumental", "style", "title", "model"),
        checks=(checks.by_mode,),
        files=(fields.UPLOAD,),
    ),
    _Route(
        "upload-extend",
        "Extend an upload",
        "Goes on from a point of your recording.",
        fields.UPLOAD_EXTEND,
        ("defaultParamFlag", "continueAt", "prompt", "style", "title", "instrumental", "model"),
        checks=(checks.by_own_parameters,),
        files=(fields.UPLOAD,),
    ),
    _Route(
        "add-vocals",
        "Add vocals",
        "Sings over an instrumental of yours.",
        fields.ADD_VOCALS,
        ("prompt", "style", "title", "negativeTags", "model"),
        checks=(checks.by_model,),
        files=(fields.UPLOAD,),
    ),
    _Route(
        "add-instrumental",
        "Add an accompaniment",
        "Plays under a voice of yours.",
        fields.ADD_INSTRUMENTAL,
        ("tags", "title", "negativeTags", "model"),
        checks=(checks.by_model,),
        files=(fields.UPLOAD,),
    ),
    _Route(
        "replace-section",
        "Replace a section",
        "Makes a part of a track anew and leaves the rest.",
        fields.REPLACE_SECTION,
        ("taskId", "audioId", "infillStartS", "infillEndS", "prompt", "tags", "title"),
        checks=(checks.by_section,),
        wants_callback=False,
        takes_result=_OF_TRACK,
    ),
    _Route(
        "generate-lyrics",
        "Lyrics",
        "Two or three texts for a song, without music.",
        fields.LYRICS,
        ("prompt",),
        query="lyrics",
    ),
    _Route(
        "timestamped-lyrics",
        "Lyrics in time",
        "The words of a track with the moment each is sung, to follow in the player.",
        fields.TIMED_LYRICS,
        ("taskId", "audioId"),
        query="lyrics",
        at_once=True,
        calls_back=False,
        takes_result=_OF_TRACK,
    ),
    _Route(
        "style-generate",
        "Style",
        "Turns a few words into a full description of a style.",
        fields.STYLE,
        ("content",),
        at_once=True,
        calls_back=False,
    ),
    _Route(
        "generate-persona",
        "Persona",
        "Keeps the voice and manner of a track, to use in later songs.",
        fields.PERSONA,
        ("taskId", "audioId", "name", "description"),
        checks=(checks.by_voice,),
        at_once=True,
        calls_back=False,
        takes_result=_OF_TRACK,
    ),
    _Route(
        "generate-cover",
        "Cover art",
        "Pictures for a song; once for each music task.",
        fields.COVER_ART,
        ("taskId",),
        query="cover",
        adopts=frozenset({400, 409}),
        pace=_PICTURE_PACE,
        takes_result={"taskId": "task"},
    ),
    _Route(
        "vocal-removal",
        "Voice and accompaniment",
        "Takes a track apart into voice and accompaniment, or into all its instruments.",
        fields.VOCAL_REMOVAL,
        ("taskId", "audioId", "type"),
        query="vocal-removal",
        takes_result=_OF_TRACK,
    ),
    _Route(
        "split-stem",
        "Stems",
        "Takes a track apart into its instruments.",
        fields.SPLIT_STEM,
        ("taskId", "audioId"),
        query="vocal-removal",
        takes_result=_OF_TRACK,
    ),
    _Route(
        "wav-generate",
        "WAV file",
        "A track without loss of quality.",
        fields.WAV,
        ("taskId", "audioId"),
        query="wav",
        adopts=frozenset({409}),
        takes_result=_OF_TRACK,
    ),
    _Route(
        "mp4-generate",
        "Music video",
        "A track as a film with moving pictures.",
        fields.MP4,
        ("taskId", "audioId", "author", "domainName"),
        query="mp4",
        adopts=frozenset({409}),
        pace=_VIDEO_PACE,
        takes_result=_OF_TRACK,
    ),
)


def query_for(kind: str, upstream_id: str) -> WireRequest:
    """Kinds: task, lyrics, cover, vocal-removal, wav, mp4."""
    return WireRequest(
        "GET", f"/suno/query/{kind}", headers={"accept": "application/json"}, query={"taskId": upstream_id}
    )


def _create(route: _Route, inputs: Inputs) -> WireRequest:
    """Raises GatewayError("invalid_request") whose code names the field that is wrong."""
    body = checks.cleaned(route.fields, inputs.values)
    body |= {upload.name: _address(upload, inputs) for upload in route.files if inputs.files.get(upload.name)}
    if route.calls_back and inputs.callback_url:
        body[CALLBACK_FIELD] = inputs.callback_url
    _check(route, merged(body, inputs.extra))
    return sending.post_json(f"/suno/{route.name}", body, inputs)


def _check(route: _Route, body: Mapping[str, Any]) -> None:
    for upload in route.files:
        checks.need(body, upload.name, f"{upload.label} is needed.")
    checks.require(route.fields, body)
    for check in route.checks:
        check(body)
    if route.calls_back and route.wants_callback:
        checks.need(body, CALLBACK_FIELD, "This route asks for an address for callbacks; none is set.")


def _address(upload: FileField, inputs: Inputs) -> str:
    address = inputs.files[upload.name][0].url
    if not address:
        raise checks.refusal(upload.name, "Suno fetches the file itself: it needs a public address.")
    return address


def _read_created(route: _Route, body: bytes, content_type: str) -> Submitted | Observation:
    return read_result(body) if route.at_once else read_task(body, adopts=route.adopts)


def _operation(route: _Route) -> Operation:
    has_model = any(spec.name == "model" for spec in route.fields)
    return Operation(
        key=f"suno.{route.name}",
        family="suno",
        label=route.label,
        about=route.about,
        medium="music",
        fields=route.fields,
        create=partial(_create, route),
        read_created=partial(_read_created, route),
        query=partial(query_for, route.query),
        read_state=read_state,
        # Where the kind is unclear, the mapped query goes first (contract 13.1).
        fallback_query=partial(query_for, "task") if route.query != "task" else None,
        read_refused=partial(read_refused, adopts=route.adopts),
        files=route.files,
        basic=route.basic,
        model_field="model" if has_model else "",
        models=fields.MODELS if has_model else (),
        pace=route.pace,
        callback_field=CALLBACK_FIELD if route.calls_back else "",
        callback_hint=callback_hint if route.calls_back else None,
        after=tuple(f"suno.{name}" for name in _SONG_MADE) if route.makes_song else (),
        takes_result=route.takes_result,
        source=route.source,
    )


OPERATIONS: tuple[Operation, ...] = tuple(map(_operation, _ROUTES))
