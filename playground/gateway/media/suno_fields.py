"""The documented fields of the Suno routes (contract 13.2), by their wire names."""

from __future__ import annotations

from dataclasses import replace

from playground.gateway.media.operation import FileField
from playground.gateway.params import ParamSpec

MODELS = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5")
LONGEST_TITLE = 80
_ANYINT = "AnyInt: Music Generation"
_UPSTREAM = "upstream: sunoapi.org"
_KIE = "upstream: kie.ai"
_MIRROR = "upstream: Suno mirror"
# No track is longer; a bound keeps slips of the hand off the wire.
_LONGEST_S = 3600.0

_MODEL = ParamSpec(
    "model",
    "choice",
    "Model",
    "Which Suno model makes the song. V4 takes shorter lyrics and styles than the others.",
    default="V5",
    choices=MODELS,
    source=_UPSTREAM,
    required=True,
)
_CUSTOM = ParamSpec(
    "customMode",
    "bool",
    "Custom mode",
    "On: you give style and title, and the prompt is the lyrics. Off: the prompt describes the song, and "
    "Suno decides the rest.",
    default=False,
    source=_UPSTREAM,
    required=True,
)
_INSTRUMENTAL = ParamSpec(
    "instrumental",
    "bool",
    "Instrumental",
    "On: music without singing.",
    default=False,
    source=_UPSTREAM,
    required=True,
)
_OWN = ParamSpec(
    "defaultParamFlag",
    "bool",
    "Own parameters",
    "On: you give prompt, style, title and the point to go on from. Off: those of the source are used.",
    default=False,
    source=_UPSTREAM,
    required=True,
)
_PROMPT = ParamSpec(
    "prompt",
    "text",
    "Prompt",
    "Custom mode: the lyrics, needed unless instrumental; at most 3000 characters on V4, 5000 on later "
    "models. Otherwise: what the song is to be, always needed, at most 500 characters.",
    maximum=5000,
    unit="characters",
    source=_UPSTREAM,
)
_STYLE = ParamSpec(
    "style",
    "text",
    "Style",
    "Genre, mood, instruments. Needed in custom mode. At most 200 characters on V4, 1000 on later models.",
    maximum=1000,
    unit="characters",
    source=_UPSTREAM,
)
_TITLE = ParamSpec(
    "title",
    "text",
    "Title",
    "Needed in custom mode. At most 80 characters.",
    maximum=LONGEST_TITLE,
    unit="characters",
    source=_UPSTREAM,
)
_OWN_PROMPT = replace(
    _PROMPT,
    help="What the new part sings. Needed with own parameters. At most 3000 characters on V4, 5000 on later "
    "models.",
)
_OWN_STYLE = replace(
    _STYLE,
    help="Genre, mood, instruments. Needed with own parameters. At most 200 characters on V4, 1000 on later "
    "models.",
)
_OWN_TITLE = replace(_TITLE, help="Needed with own parameters. At most 80 characters.")
_CONTINUE_AT = ParamSpec(
    "continueAt",
    "float",
    "Continue at",
    "Where the new part begins, before the end of the source. Needed with own parameters.",
    default=60,
    minimum=0.1,
    maximum=_LONGEST_S,
    step=0.1,
    unit="seconds",
    source=_UPSTREAM,
)
_NEGATIVE = ParamSpec(
    "negativeTags",
    "text",
    "Negative tags",
    "Styles to stay away from.",
    maximum=1000,
    source=_UPSTREAM,
)
_GENDER = ParamSpec(
    "vocalGender",
    "choice",
    "Vocal gender",
    "m for a man's voice, f for a woman's. A wish rather than a rule; it counts in custom mode.",
    default="f",
    choices=("m", "f"),
    source=_UPSTREAM,
)
_STYLE_WEIGHT = ParamSpec(
    "styleWeight",
    "float",
    "Style weight",
    "How closely the style is followed.",
    default=0.65,
    minimum=0,
    maximum=1,
    step=0.01,
    source=_UPSTREAM,
)
_WEIRDNESS = ParamSpec(
    "weirdnessConstraint",
    "float",
    "Weirdness",
    "How far the song may stray from what is usual.",
    default=0.65,
    minimum=0,
    maximum=1,
    step=0.01,
    source=_UPSTREAM,
)
_AUDIO_WEIGHT = ParamSpec(
    "audioWeight",
    "float",
    "Audio weight",
    "How much the given audio counts.",
    default=0.65,
    minimum=0,
    maximum=1,
    step=0.01,
    source=_UPSTREAM,
)
_PERSONA = ParamSpec(
    "personaId",
    "text",
    "Persona",
    "The id of a persona made from an earlier song. It counts in custom mode.",
    maximum=200,
    source=_ANYINT,
)
_TASK_ID = ParamSpec(
    "taskId",
    "text",
    "Music task",
    "The gateway's id of the task that made the song.",
    maximum=200,
    source=_UPSTREAM,
    required=True,
)
_AUDIO_ID = ParamSpec(
    "audioId",
    "text",
    "Track",
    "The id of one track of that task.",
    maximum=200,
    source=_UPSTREAM,
    required=True,
)
_TAGS = ParamSpec(
    "tags",
    "text",
    "Tags",
    "Genre, mood, instruments.",
    maximum=1000,
    source=_UPSTREAM,
    required=True,
)
_TYPE = ParamSpec(
    "type",
    "choice",
    "Separation",
    "separate_vocal: voice and accompaniment. split_stem: every instrument on its own, for more credits.",
    default="separate_vocal",
    choices=("separate_vocal", "split_stem"),
    source=_UPSTREAM,
    required=True,
)
_WISHES = (_NEGATIVE, _GENDER, _STYLE_WEIGHT, _WEIRDNESS, _AUDIO_WEIGHT)
_OF_TRACK = (_TASK_ID, _AUDIO_ID)


def _needed(spec: ParamSpec, about: str) -> ParamSpec:
    return replace(spec, help=about, required=True)


def _documented(spec: ParamSpec) -> ParamSpec:
    return replace(spec, source=_ANYINT)


GENERATE = (
    _documented(_PROMPT),
    _documented(_CUSTOM),
    _documented(_INSTRUMENTAL),
    _documented(_MODEL),
    _documented(_STYLE),
    _documented(_TITLE),
    *_WISHES,
    _PERSONA,
)
EXTEND = (_AUDIO_ID, _OWN, _MODEL, _OWN_PROMPT, _OWN_STYLE, _OWN_TITLE, _CONTINUE_AT, *_WISHES, _PERSONA)
UPLOAD_COVER = (_PROMPT, _CUSTOM, _INSTRUMENTAL, _MODEL, _STYLE, _TITLE, *_WISHES, _PERSONA)
UPLOAD_EXTEND = (
    _OWN,
    replace(_INSTRUMENTAL, required=False),
    _MODEL,
    replace(_OWN_PROMPT, help=f"{_OWN_PROMPT.help} Not needed when instrumental."),
    _OWN_STYLE,
    _OWN_TITLE,
    _CONTINUE_AT,
    *_WISHES,
    _PERSONA,
)
ADD_VOCALS = (
    _needed(_PROMPT, "What is sung, and how. At most 3000 characters on V4, 5000 on later models."),
    _needed(_STYLE, "Genre, mood, voice. At most 200 characters on V4, 1000 on later models."),
    _needed(_TITLE, "At most 80 characters."),
    _needed(_NEGATIVE, "Styles to stay away from. This route asks for at least one."),
    _MODEL,
    *_WISHES[1:],
)
ADD_INSTRUMENTAL = (
    _needed(_TAGS, "Genre, mood, instruments of the accompaniment."),
    _needed(_TITLE, "At most 80 characters."),
    _needed(_NEGATIVE, "Styles to stay away from. This route asks for at least one."),
    _MODEL,
    *_WISHES[1:],
)
REPLACE_SECTION = (
    *_OF_TRACK,
    _needed(_PROMPT, "What the new section sings."),
    _TAGS,
    _needed(_TITLE, "At most 80 characters."),
    ParamSpec(
        "infillStartS",
        "float",
        "From",
        "Where the section to replace begins.",
        default=10,
        minimum=0,
        maximum=_LONGEST_S,
        step=0.1,
        unit="seconds",
        source=_UPSTREAM,
        required=True,
    ),
    ParamSpec(
        "infillEndS",
        "float",
        "To",
        "Where it ends: 6 to 60 seconds later, and at most half of the track is replaced.",
        default=20,
        minimum=0,
        maximum=_LONGEST_S,
        step=0.1,
        unit="seconds",
        source=_UPSTREAM,
        required=True,
    ),
    _NEGATIVE,
    ParamSpec(
        "fullLyrics",
        "text",
        "Full lyrics",
        "The lyrics of the whole song as they are to be afterwards.",
        maximum=5000,
        unit="characters",
        source=_MIRROR,
    ),
)
VOCAL_REMOVAL = (*_OF_TRACK, _TYPE)
SPLIT_STEM = (
    *_OF_TRACK,
    replace(
        _TYPE,
        help="Every instrument on its own.",
        default="split_stem",
        choices=("split_stem",),
        source="assumed",
    ),
)
WAV = _OF_TRACK
MP4 = (
    *_OF_TRACK,
    ParamSpec("author", "text", "Author", "A name shown in the video.", maximum=50, source=_UPSTREAM),
    ParamSpec(
        "domainName",
        "text",
        "Web address",
        "An address shown at the foot of the video.",
        maximum=50,
        source=_UPSTREAM,
    ),
)
LYRICS = (_needed(_PROMPT, "What the lyrics are about: theme, mood, style. About 200 words at most."),)
TIMED_LYRICS = _OF_TRACK
STYLE = (
    ParamSpec(
        "content",
        "text",
        "Style in brief",
        "A few words, such as soft piano; a fuller style comes back, to use in a song.",
        maximum=1000,
        source=_UPSTREAM,
        required=True,
    ),
)
COVER_ART = (_TASK_ID,)
PERSONA = (
    *_OF_TRACK,
    ParamSpec(
        "name", "text", "Name", "What the persona is called.", maximum=100, source=_UPSTREAM, required=True
    ),
    ParamSpec(
        "description",
        "text",
        "Description",
        "Its voice, manner and mood.",
        maximum=1000,
        source=_UPSTREAM,
        required=True,
    ),
    ParamSpec(
        "vocalStart",
        "float",
        "Voice from",
        "Where the part of the track that shows the voice begins.",
        default=0,
        minimum=0,
        maximum=_LONGEST_S,
        step=0.1,
        unit="seconds",
        source=_KIE,
    ),
    ParamSpec(
        "vocalEnd",
        "float",
        "Voice to",
        "Where it ends: 10 to 30 seconds later.",
        default=30,
        minimum=0,
        maximum=_LONGEST_S,
        step=0.1,
        unit="seconds",
        source=_KIE,
    ),
)
UPLOAD = FileField(
    "uploadUrl",
    "audio",
    "Audio",
    "A song or a take of your own, at most 8 minutes long, or 1 minute on V4_5ALL. Suno fetches it, so it "
    "needs an address that the internet can reach.",
    forms=("url",),
    required=True,
    # Eight minutes of WAV; no limit in bytes is documented.
    max_bytes=100 * 1024 * 1024,
    source=_UPSTREAM,
)
