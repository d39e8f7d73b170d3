"""A task's row as what its operation sends: files in the way the route takes them, the callback address."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.fields.files import FieldFile

from playground.gateway.errors import GatewayError
from playground.gateway.media.operation import FileField, FileValue, Inputs, Operation
from playground.gateway.request import WireRequest
from playground.media import signing
from playground.media.models import Asset, MediaTask, Upload
from playground.storage import StorageError

NOBODY = UUID(int=0)
# A provider's link that is used as an input must live until the provider has fetched it.
LINK_LIVES = timedelta(minutes=10)
NO_ADDRESS = (
    "{label}: this route fetches files from a public address, and this site has none. Give the https "
    "address of a file, or ask whoever runs the site to set PUBLIC_URL."
)
GONE = "{label}: the file is no longer there. Choose it again."


def build(task: MediaTask, operation: Operation, now: datetime) -> WireRequest:
    """The create request. Raises GatewayError("invalid_request") with a sentence when there can be none."""
    return operation.create(inputs_of(task, operation, now))


def inputs_of(task: MediaTask, operation: Operation, now: datetime) -> Inputs:
    stored: Mapping[str, Any] = task.inputs
    files = {
        field.name: tuple(_value(field, ref, task, now) for ref in refs)
        for field in operation.files
        if (refs := stored.get("files", {}).get(field.name))
    }
    return Inputs(
        values=dict(stored.get("values", {})),
        files=files,
        callback_url=_callback(task, operation),
        own_id=task.own_id if operation.carries_own_id else "",
        extra=stored.get("extra", {}),
    )


def trial(task: MediaTask, operation: Operation) -> Inputs:
    """The same with something small in the place of every file, for a check of the form."""
    given: Mapping[str, Any] = task.inputs.get("files", {})
    files = {
        field.name: tuple(_stand_in(field) for _ in given[field.name])
        for field in operation.files
        if given.get(field.name)
    }
    return Inputs(
        values=dict(task.inputs.get("values", {})),
        files=files,
        callback_url=_callback(task, operation),
        own_id=task.own_id if operation.carries_own_id else "",
        extra=task.inputs.get("extra", {}),
    )


def _stand_in(field: FileField) -> FileValue:
    if "url" in field.forms:
        return FileValue(url="https://example.com/file")
    return FileValue(media_type="application/octet-stream", data_b64="AA==", name="file")


def _callback(task: MediaTask, operation: Operation) -> str:
    """A route that demands an address gets a placeholder at least; the others one that is heard, or none."""
    if not operation.callback_field:
        return ""
    heard = signing.callback_url(task.pk) if operation.family in settings.CALLBACK_FAMILIES else ""
    return heard or (settings.CALLBACK_PLACEHOLDER if operation.callback_by_default else "")


def takes_addresses_only(field: FileField) -> bool:
    return set(field.forms) == {"url"}


def _value(field: FileField, ref: Mapping[str, str], task: MediaTask, now: datetime) -> FileValue:
    if url := ref.get("url"):
        if "url" not in field.forms:
            raise _refused(f"{field.label}: this route takes no address. Upload the file.")
        return FileValue(url=url)
    if pk := ref.get("asset"):
        asset = Asset.objects.filter(pk=pk, task__team_id=task.team_id, status=Asset.Status.KEPT).first()
        if asset is None or not asset.file:
            raise _refused(GONE.format(label=field.label))
        if "url" in field.forms and link_lives(asset, now):
            return FileValue(url=asset.source_url, media_type=asset.media_type)
        name = (asset.file.name or "").rpartition("/")[2]
        return _stored(field, asset.file, asset.media_type, signing.file_url("asset", asset.pk), name)
    upload = Upload.objects.filter(pk=ref.get("upload") or NOBODY, team_id=task.team_id).first()
    if upload is None:
        raise _refused(GONE.format(label=field.label))
    url = signing.file_url("upload", upload.pk)
    return _stored(field, upload.file, upload.media_type, url, upload.name)


def link_lives(asset: Asset, now: datetime) -> bool:
    """Whether the provider's own link is good for a while yet."""
    until = asset.source_expires_at
    if asset.needs_key or not asset.source_url.startswith("https://"):
        return False
    return until is not None and until > now + LINK_LIVES


def _stored(field: FileField, file: FieldFile, media_type: str, url: str, name: str) -> FileValue:
    for form in field.forms:
        if form == "url" and url:
            return FileValue(url=url, media_type=media_type, name=name)
        if form != "url":
            return FileValue(media_type=media_type, data_b64=_base64(field, file), name=name)
    raise _refused(NO_ADDRESS.format(label=field.label))


def _base64(field: FileField, file: FieldFile) -> str:
    try:
        if file.size > field.max_bytes:
            limit = field.max_bytes / 2**20
            raise _refused(
                f"{field.label}: at most {limit:g} MB can be sent, and this is {file.size / 2**20:.1f} MB."
            )
        with file.open("rb") as opened:
            return base64.b64encode(opened.read()).decode()
    except StorageError as error:
        raise _refused(f"{field.label}: {error}") from error
    except OSError:
        raise _refused(GONE.format(label=field.label)) from None


def _refused(sentence: str) -> GatewayError:
    return GatewayError("invalid_request", sentence, code="file")
