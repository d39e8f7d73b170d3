"""The fields and files of Kling's native routes (contract section 12), by their wire names."""

from __future__ import annotations

from playground.gateway.media import fields
from playground.gateway.media.operation import FileField, FileForm
from playground.gateway.params import ParamSpec

_ANYINT = "AnyInt: Kling video (old page)"
_IMAGE = "upstream: Kling image generation"
_OMNI_IMAGE = "upstream: Kling omni-image"
_VIDEO = "upstream: Kling video"
_OMNI = "upstream: Kling omni-video"
_TO_VIDEO = "upstream: Kling image2video"
_PROMPT_LIMIT = 2500
_IMAGE_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
_VIDEO_RATIOS = ("16:9", "9:16", "1:1")
_FORMS: tuple[FileForm, ...] = ("url", "base64")
_PICTURE = "JPEG or PNG, at most 10 MB, at least 300 pixels each way, 1:2.5 to 2.5:1."
_MARKS = "Point to what you give with <<<image_1>>>, <<<element_1>>> or <<<video_1>>>."


def _ratio(source: str, ratios: tuple[str, ...], help_text: str = "Width to height.") -> ParamSpec:
    return ParamSpec(
        "aspect_ratio", "choice", "Aspect ratio", help_text, default=ratios[0], choices=ratios, source=source
    )


def _resolution(source: str) -> ParamSpec:
    help_text = "1k or 2k; the larger one costs more."
    return ParamSpec(
        "resolution", "choice", "Resolution", help_text, default="1k", choices=("1k", "2k"), source=source
    )


def _mode(source: str, default: str, *, required: bool) -> ParamSpec:
    return ParamSpec(
        "mode",
        "choice",
        "Mode",
        "std is quicker and cheaper, pro is better.",
        default=default,
        choices=("std", "pro"),
        source=source,
        required=required,
    )


_NEGATIVE = fields.negative_prompt(_VIDEO)
_MODEL = fields.model(_ANYINT, "kling-v3")
_OMNI_MODEL = fields.model(_ANYINT, "kling-v3-omni")
_OMNI_PROMPT = fields.prompt(_ANYINT, f"What is to be seen. {_MARKS}", limit=_PROMPT_LIMIT)

IMAGE = (
    fields.model(_ANYINT, "kling-v2-1"),
    fields.prompt(_ANYINT, "What the picture shows.", limit=_PROMPT_LIMIT),
    _ratio(_IMAGE, _IMAGE_RATIOS),
    _resolution(_IMAGE),
    fields.count(_IMAGE, 9),
    fields.negative_prompt(_IMAGE),
    ParamSpec(
        "image_reference",
        "choice",
        "Take from your picture",
        "The subject of it, or the face only.",
        default="subject",
        choices=("subject", "face"),
        source=_IMAGE,
    ),
    ParamSpec(
        "image_fidelity",
        "float",
        "Likeness",
        "How closely your picture is followed.",
        default=0.5,
        minimum=0,
        maximum=1,
        step=0.05,
        source=_IMAGE,
    ),
)
IMAGE_FILES = (
    FileField("image", "image", "Reference picture", f"Optional. {_PICTURE}", forms=_FORMS, source=_IMAGE),
)

OMNI_IMAGE = (
    _OMNI_MODEL,
    _OMNI_PROMPT,
    _ratio(_OMNI_IMAGE, (*_IMAGE_RATIOS, "auto")),
    _resolution(_OMNI_IMAGE),
    fields.count(_OMNI_IMAGE, 9),
    ParamSpec(
        "result_type",
        "choice",
        "Result",
        "Single pictures, or a series that belongs together.",
        default="single",
        choices=("single", "series"),
        source=_OMNI_IMAGE,
    ),
    ParamSpec(
        "element_list",
        "json",
        "Elements",
        'Elements kept with the provider, as JSON: [{"element_id": 123}].',
        source=_OMNI_IMAGE,
    ),
)
OMNI_IMAGE_FILES = (
    FileField(
        "images",
        "image",
        "Pictures",
        f"Counted in this order by the marks in the prompt. {_PICTURE}",
        forms=_FORMS,
        many=10,
        source=_OMNI_IMAGE,
    ),
)

TEXT_TO_VIDEO = (
    _MODEL,
    fields.prompt(_ANYINT, "What happens in the video.", limit=_PROMPT_LIMIT),
    _mode(_ANYINT, "std", required=True),
    ParamSpec(
        "duration",
        "int",
        "Duration",
        "Older models take 5 or 10 only.",
        default=5,
        minimum=3,
        maximum=15,
        step=1,
        unit="seconds",
        source=f"{_ANYINT}; the range is {_OMNI}",
    ),
    _ratio(f"{_ANYINT}; the values are {_OMNI}", _VIDEO_RATIOS),
    ParamSpec(
        "generate_audio",
        "bool",
        "Sound",
        "Whether the video has sound.",
        default=False,
        source=_ANYINT,
    ),
    ParamSpec(
        "voice_id",
        "text",
        "Voice",
        "The id of the voice that speaks in the video.",
        maximum=200,
        source=_ANYINT,
    ),
    _NEGATIVE,
    ParamSpec(
        "cfg_scale",
        "float",
        "Closeness to the prompt",
        "Higher follows the prompt more closely, lower leaves more freedom.",
        default=0.5,
        minimum=0,
        maximum=1,
        step=0.05,
        source=_VIDEO,
    ),
)

IMAGE_TO_VIDEO = TEXT_TO_VIDEO
IMAGE_TO_VIDEO_FILES = (
    FileField(
        "image",
        "image",
        "First picture",
        f"The video begins with it. {_PICTURE}",
        forms=_FORMS,
        required=True,
        source=_TO_VIDEO,
    ),
    FileField(
        "image_tail",
        "image",
        "Last picture",
        f"The video ends with it. {_PICTURE}",
        forms=_FORMS,
        source=_TO_VIDEO,
    ),
)

OMNI_VIDEO = (
    _OMNI_MODEL,
    _OMNI_PROMPT,
    _mode(_OMNI, "pro", required=False),
    ParamSpec(
        "duration",
        "choice",
        "Duration",
        "How long the video is. A video that is only changed keeps its own length.",
        default="5",
        choices=tuple(str(seconds) for seconds in range(3, 16)),
        unit="seconds",
        source=_OMNI,
    ),
    _ratio(_OMNI, _VIDEO_RATIOS, "Width to height; needed when there is no first picture."),
    ParamSpec(
        "sound",
        "choice",
        "Sound",
        "Has to be off when a video is given.",
        default="off",
        choices=("off", "on"),
        source=f"{_ANYINT} (off); on is upstream: Kling",
    ),
    ParamSpec(
        "multi_shot",
        "bool",
        "Several shots",
        "Whether the video is cut together from several shots.",
        default=False,
        source=_OMNI,
    ),
    ParamSpec(
        "shot_type",
        "choice",
        "Shots by",
        "customize: as you list them below; intelligence: as the model thinks fit.",
        default="intelligence",
        choices=("customize", "intelligence"),
        source=_OMNI,
    ),
    ParamSpec(
        "multi_prompt",
        "json",
        "Shots",
        'One to six, as JSON: [{"index": 1, "prompt": "…", "duration": "3"}].',
        source=_OMNI,
    ),
    ParamSpec(
        "element_list",
        "json",
        "Elements",
        'Elements kept with the provider, as JSON: [{"element_id": 123}].',
        source=_OMNI,
    ),
    ParamSpec(
        "refer_type",
        "choice",
        "Use of the video",
        "base: it is changed; feature: its style or movement is taken.",
        default="feature",
        choices=("base", "feature"),
        source=_OMNI,
    ),
    ParamSpec(
        "keep_original_sound",
        "choice",
        "Keep the video's sound",
        "Whether the sound of your video stays.",
        default="yes",
        choices=("yes", "no"),
        source=_OMNI,
    ),
)
OMNI_VIDEO_FILES = (
    FileField(
        "first_frame",
        "image",
        "First picture",
        f"The video begins with it; it is image_1. {_PICTURE}",
        forms=_FORMS,
        source=_OMNI,
    ),
    FileField(
        "end_frame",
        "image",
        "Last picture",
        f"The video ends with it; a first picture is needed too. {_PICTURE}",
        forms=_FORMS,
        source=_OMNI,
    ),
    FileField(
        "images",
        "image",
        "Reference pictures",
        f"Up to seven pictures in all, four when there is a video. {_PICTURE}",
        forms=_FORMS,
        many=7,
        source=_OMNI,
    ),
    FileField(
        "video",
        "video",
        "Reference video",
        "MP4 or MOV, 3 to 10 seconds, at most 200 MB.",
        max_bytes=200 * 1024 * 1024,
        source=_OMNI,
    ),
)
