"""Tasks of one person in every state a card can show, as rows: what it would take days to bring about.

`python -m tests.browser.states <session> [finish]` in the site's environment; prints the tasks' ids by state
as one JSON line. `finish`: the four pictures of the task "four" are there now.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from datetime import timedelta
from functools import cache
from io import BytesIO
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.contrib.auth import SESSION_KEY  # noqa: E402 - only after setup
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from django.db import transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from django.utils import timezone  # noqa: E402
from PIL import Image  # noqa: E402

from accounts.models import GatewayKey, User  # noqa: E402
from playground.demo.dice import Dice  # noqa: E402
from playground.demo.media.film import film  # noqa: E402
from playground.demo.media.sound import hum  # noqa: E402
from playground.gateway.errors import KINDS  # noqa: E402
from playground.gateway.media.registry import OPERATIONS  # noqa: E402
from playground.media.models import Asset, MediaTask, Status  # noqa: E402

TYPES = {"image": "image/png", "video": "video/mp4", "audio": "audio/wav"}
FAR = timedelta(days=3650)
WORDS = "A **red** boat, with\n\n- a sail\n- `two` oars"
FORMS: dict[str, tuple[str, str, str]] = {
    "image": ("gemini.image", "gemini", "gemini-3-flash-preview"),
    "images": ("kling.image", "kling", "kling-v3"),
    "video": ("dashscope.video", "dashscope", "wan-t2v"),
    "music": ("suno.generate", "suno", "V5"),
    "text": ("openai.transcription", "openai", "whisper-1"),
}


@cache
def content(kind: str, number: int) -> bytes:
    if kind == "video":
        return film("a boat", "16:9", 1, Dice(b"boat"))
    if kind == "audio":
        return hum("a boat", Dice(b"boat"))
    file = BytesIO()
    Image.new("RGB", (640, 480), (40 + 40 * number, 90, 150)).save(file, "PNG")
    return file.getvalue()


class Maker:
    def __init__(self, user: User) -> None:
        self.user = user
        self.team = user.personal_team
        self.key = GatewayKey.objects.filter(team=self.team, label__startswith="Demo")[0]
        self.now = timezone.now()
        self.made: dict[str, str] = {}

    def task(self, name: str, form: str, status: Status, **fields: Any) -> MediaTask:
        operation, family, model = FORMS[form]
        values = {"prompt": f"A boat, {name}"} | fields.pop("values", {})
        live = status in (Status.NEW, Status.SUBMITTING, Status.WAITING, Status.COLLECTING)
        task = MediaTask.objects.create(
            team=self.team,
            user=self.user,
            key=self.key,
            operation=operation,
            family=family,
            medium=OPERATIONS[operation].medium,
            model=model,
            inputs={"values": values},
            title=f"A boat, {name}",
            status=status,
            ended_at=None if live else self.now,
            **{"upstream_id": f"{self.user.pk}-{name}", "due_at": self.now + FAR if live else None} | fields,
        )
        self.made[name] = str(task.pk)
        return task

    def asset(self, task: MediaTask, kind: str, number: int = 0, **fields: Any) -> Asset:
        usual = {"status": Asset.Status.KEPT, "kept_at": self.now}
        key = f"{kind}:{number}"
        asset = Asset(task=task, ordinal=number, kind=kind, **{"key": key} | usual | fields)
        if asset.status == Asset.Status.KEPT and kind in TYPES:
            data = content(kind, number)
            asset.media_type, asset.size = TYPES[kind], len(data)
            asset.sha256 = hashlib.sha256(data).hexdigest()
            asset.file.save(f"boat.{TYPES[kind][-3:]}", ContentFile(data), save=False)
        if kind == "image":
            asset.width, asset.height = 640, 480
        elif kind in ("video", "audio"):
            asset.duration_s, asset.waveform = 1.0, [0.2, 0.9, 0.4] * 20
        asset.save()
        return asset

    def every(self) -> None:
        self.under_way()
        self.done()
        for kind in KINDS:
            told = "The gateway's own words." if kind != "unknown" else ""
            self.task(f"failed: {kind}", "image", Status.FAILED, error_kind=kind, error_message=told)
        half = self.task("failed with a half", "video", Status.FAILED, error_kind="timeout")
        self.asset(half, "video", key="video:0:partial")
        self.task("unconfirmed", "image", Status.UNCONFIRMED, upstream_id="", error_message="No answer came.")
        self.task("expired", "video", Status.EXPIRED)
        self.task("cancelled", "image", Status.CANCELLED, upstream_id="")

    def under_way(self) -> None:
        self.task("new", "image", Status.NEW, upstream_id="", due_at=None)
        self.task("sent", "image", Status.SUBMITTING, upstream_id="", lease_until=self.now + FAR)
        self.task("waiting", "video", Status.WAITING)
        self.task("with progress", "video", Status.WAITING, progress=0.4, stage="Drawing")
        self.task("not watched", "video", Status.WAITING, watching=False, due_at=None)
        held = {"held_at": self.now, "held_reason": "The gateway refuses the key.", "due_at": None}
        self.task("held", "video", Status.WAITING, **held)
        song = self.task("song so far", "music", Status.WAITING)
        self.asset(song, "audio", key="audio:0:partial")
        self.task("four", "images", Status.WAITING, values={"n": 4})
        taken = self.task("collecting", "images", Status.COLLECTING, values={"n": 3})
        self.asset(taken, "image")
        self.asset(taken, "image", 1, status=Asset.Status.FETCHING)
        self.asset(taken, "image", 2, status=Asset.Status.WAITING, error="The link is slow.")

    def done(self) -> None:
        said = self.task("done image", "image", Status.SUCCEEDED)
        self.asset(said, "image")
        self.asset(said, "text", 1, text=WORDS)
        lost = self.task("copy failed", "images", Status.SUCCEEDED)
        self.asset(lost, "image", status=Asset.Status.FAILED, error="The provider's link is dead.")
        self.asset(self.task("done video", "video", Status.SUCCEEDED), "video")
        song = self.task("done music", "music", Status.SUCCEEDED, favourite=True)
        self.asset(song, "audio")
        self.asset(song, "audio", 1)
        self.asset(self.task("done text", "text", Status.SUCCEEDED), "text", text="What was **said**.")
        self.asset(self.task("done data", "text", Status.SUCCEEDED), "data", text='{"a": 1}')

    def finish(self) -> None:
        task = MediaTask.objects.get(team=self.team, title="A boat, four")
        for number in range(4):
            self.asset(task, "image", number)
        fields = {"status": Status.SUCCEEDED, "ended_at": self.now, "due_at": None}
        MediaTask.objects.filter(pk=task.pk).update(**fields, version=F("version") + 1, changed_at=Now())
        self.made["four"] = str(task.pk)


def main(session: str, act: str = "every") -> None:
    user = User.objects.get(pk=SessionStore(session)[SESSION_KEY])
    with transaction.atomic():
        maker = Maker(user)
        maker.finish() if act == "finish" else maker.every()
    print(json.dumps(maker.made))


if __name__ == "__main__":
    main(*sys.argv[1:])
