"""What the gateway tells of a music task: answers to queries, bodies of callbacks (contract 13.3, 13.4)."""

from datetime import UTC, datetime
from typing import Any

from playground.demo.dice import Dice
from playground.demo.exchange import json_bytes

from .suno_jobs import Job, Stage
from .suno_lyrics import title_of, write
from .suno_songs import Track

VARIANTS = 2
COVERS = 2
STEMS = {
    "backingVocals": "Backing Vocals",
    "drums": "Drums",
    "bass": "Bass",
    "guitar": "Guitar",
    "keyboard": "Keyboard",
    "percussion": "Percussion",
    "strings": "Strings",
    "synth": "Synth",
    "fx": "FX",
    "brass": "Brass",
    "woodwinds": "Woodwinds",
}

Fields = dict[str, Any]

_STAGES = {"text": "text", "first": "first", "all": "complete", "no url": "complete"}
_NAMES = {"wav": ("wav",), "mp4": ("video",), "cover": tuple(f"cover:{number}" for number in range(COVERS))}
# Cover art tells its state in numbers; words that have none are told as they are.
_NUMBERS = {"PENDING": 0, "SUCCESS": 1, "GENERATE_COVER_FAILED": 3, "CREATE_TASK_FAILED": 2}


def query(job: Job, stage: Stage) -> Fields:
    """The `data` of the answer to a query."""
    response = _response(job, stage) if stage.shows else None
    code, message = stage.error if stage.failed else (None, None)
    if stage.status == "CALLBACK_EXCEPTION":
        message = "Callback could not be delivered"
    told = {"response": response, "errorCode": code, "errorMessage": message}
    return {"taskId": job.id, **_about(job, stage), **told, **_state(job, stage)}


def callback(job: Job, stage: Stage) -> Fields | None:
    """The body that tells of a stage; None where there is nothing to tell."""
    if stage.failed:
        code, message = stage.error
        inner: Fields = {"callbackType": "error", "task_id": job.id, "data": None}
        return _wrapped(job, inner, code, message)
    if not stage.shows or stage.status == "CALLBACK_EXCEPTION":
        return None
    message = "All generated successfully." if stage.shows == "all" else "success"
    return _wrapped(job, _news(job, stage), 200, message)


def _response(job: Job, stage: Stage) -> Fields:
    if job.result:
        return job.result
    match job.kind:
        case "lyrics":
            return {"taskId": job.id, "data": _variants(job)}
        case "vocal-removal":
            return _stems(job, stage)
        case "wav":
            name = "audio_wav_url" if "demo-other-shape" in job.wishes else "audioWavUrl"
            return {name: _at(job, stage, "wav")}
        case "mp4":
            return {"videoUrl": _at(job, stage, "video")}
        case "cover":
            return {"images": _covers(job, stage)}
        case _:
            return {"taskId": job.id, "sunoData": _song(job, stage)}


def _song(job: Job, stage: Stage) -> list[Fields]:
    return [_track(job, stage, number) for number in range(len(job.tracks))]


def _track(job: Job, stage: Stage, number: int) -> Fields:
    track = job.tracks[number]
    failed = job.faults.ending == "partial" and number > 0
    done = not failed and (stage.shows in ("all", "no url") or stage.shows == "first" and number == 0)
    return {
        "id": track.id,
        "title": track.title,
        "tags": track.tags,
        "prompt": track.prompt,
        "duration": track.duration_s if done else None,
        "audioUrl": _at(job, stage, f"audio:{track.id}") if done else "",
        "streamAudioUrl": _at(job, stage, f"stream:{track.id}"),
        "imageUrl": _at(job, stage, f"image:{track.id}"),
        "modelName": track.model_name,
        "createTime": _moment(job.created_at),
    }


def _stems(job: Job, stage: Stage) -> Fields:
    track = _source(job)
    told: Fields = {"originUrl": _at(job, stage, "origin")}
    if job.body["type"] == "separate_vocal":
        return told | {f"{name}Url": _at(job, stage, name) for name in ("vocal", "instrumental")}
    layers = track.layers
    told["vocalUrl"] = _at(job, stage, "vocal") if "vocal" in layers else None
    for name in STEMS:
        told[f"{name}Url"] = _at(job, stage, f"stem:{name}") if name in layers else None
    told["originData"] = [
        {
            "id": f"{track.id}-{name}",
            "stem_type_group_name": title,
            "audio_url": told[f"{name}Url"],
            "duration": track.duration_s,
        }
        for name, title in STEMS.items()
        if name in layers
    ]
    return told


def _covers(job: Job, stage: Stage) -> list[str]:
    count = 0 if stage.shows == "no url" else COVERS
    return [_at(job, stage, f"cover:{number}") for number in range(count)]


def _at(job: Job, stage: Stage, name: str) -> str:
    return "" if stage.shows == "no url" else job.files[name]


def _news(job: Job, stage: Stage) -> Fields:
    """The inner body of a callback; it has no `callbackType` where one stage is all there is."""
    response = _response(job, stage)
    match job.kind:
        case "lyrics":
            return {"callbackType": "complete", "taskId": job.id, "data": response["data"]}
        case "vocal-removal":
            urls = {_snake(name): value for name, value in response.items() if name.endswith("Url")}
            return {"task_id": job.id, "vocal_removal_info": urls}
        case "wav":
            return {"task_id": job.id, **response}
        case "mp4":
            return {"task_id": job.id, "video_url": response["videoUrl"]}
        case "cover":
            return {"taskId": job.id, **response}
        case _:
            tracks = response["sunoData"][: 1 if stage.shows == "first" else None]
            data = [{_snake(name): value for name, value in track.items()} for track in tracks]
            return {"callbackType": _STAGES[stage.shows], "task_id": job.id, "data": data}


def names(job: Job) -> tuple[str, ...]:
    """The files that the answers about a task will name."""
    if job.kind == "task":
        kinds = ("audio", "stream", "image")
        return tuple(f"{kind}:{track.id}" for track in job.tracks for kind in kinds)
    if job.kind != "vocal-removal":
        return _NAMES.get(job.kind, ())
    if job.body["type"] == "separate_vocal":
        return "origin", "vocal", "instrumental"
    return "origin", "vocal", *(f"stem:{name}" for name in STEMS if name in _source(job).layers)


def _wrapped(job: Job, inner: Fields, code: int, message: str) -> Fields:
    """AnyInt prints flat bodies, its upstream wrapped ones."""
    if "demo-callback-wrapped" in job.wishes:
        return {"code": code, "msg": message, "data": inner}
    return inner if code == 200 else {**inner, "code": code, "msg": message}


def _about(job: Job, stage: Stage) -> Fields:
    if job.kind == "task":
        source = job.source.id if job.source else ""
        return {"parentMusicId": source, "param": _param(job), "type": job.route.type}
    if job.kind == "lyrics":
        return {"param": _param(job), "type": "LYRICS"}
    done = {"completeTime": _moment(datetime.now(UTC))} if stage.shows or stage.failed else {}
    if job.kind == "cover":
        return {"parentTaskId": job.parent, **done}
    made = {"callbackUrl": job.body.get("callBackUrl"), "createTime": _moment(job.created_at)}
    return {"musicId": _source(job).id, **made, **done}


def _state(job: Job, stage: Stage) -> Fields:
    if job.kind in ("task", "lyrics"):
        return {"status": stage.status}
    if job.kind == "cover":
        return {"successFlag": _NUMBERS.get(stage.status, stage.status)}
    if job.kind == "wav" and "demo-other-shape" in job.wishes:
        return {"status": stage.status}
    return {"successFlag": stage.status}


def _variants(job: Job) -> list[Fields]:
    asked = job.body["prompt"]
    texts = (
        write(asked, Dice(f"{number} {asked}".encode("utf-8", "surrogatepass"))) for number in range(VARIANTS)
    )
    return [
        {"text": text, "title": title_of(asked), "status": "complete", "errorMessage": ""} for text in texts
    ]


def _param(job: Job) -> str:
    return json_bytes(job.body).decode()


def _source(job: Job) -> Track:
    if job.source is None:
        raise ValueError(f"a {job.kind} task starts from a track")
    return job.source


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _snake(name: str) -> str:
    """Callbacks use snake_case where queries use camelCase; createTime alone stays as it is."""
    if name == "createTime":
        return name
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
