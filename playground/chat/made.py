"""Pictures a model made: kept as attachments of the team, byte for byte, and taken out of native content."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterable
from typing import Any

from playground.chat import attachments
from playground.chat.models import Run
from playground.chat.requests import MARK
from playground.gateway.events import MediaReceived

log = logging.getLogger(__name__)


def keep(event: MediaReceived, run: Run) -> dict[str, Any]:
    """What the part of the answer holds: the attachment, or in `text` why there is none. Blocks."""
    try:
        data = base64.b64decode(event.data_b64, validate=True)
        row = attachments.keep_made(data, run.user, run.team)
    except (binascii.Error, attachments.Refused):
        kind = event.media_type or "unknown type"
        return {"text": f"A file of {kind} came that is no picture this page can show. It was not kept."}
    except OSError as error:
        log.error("a picture of run %s could not be kept: %s", run.pk, error)
        return {"text": "A picture came, but the disk of the playground did not take it."}
    size = {"width": row.width, "height": row.height}
    return {"attachment": str(row.pk), "alt": f"Picture made by {run.answered_by}"} | size


def without_pictures(native: str, made: Iterable[tuple[str, str]]) -> str:
    """Native content with the pictures `made` (base64, attachment id) named instead of held."""
    for data_b64, pk in made:
        native = native.replace(f'"{data_b64}"', f'"{MARK}{pk}"')
    return native


def comes_back(data_b64: str) -> bool:
    """Whether encoding the bytes again gives the same text, so that it need not be kept beside the file."""
    return base64.b64encode(base64.b64decode(data_b64)).decode() == data_b64
