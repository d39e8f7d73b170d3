"""What a task made or may make, counted in the unit its price goes by: images, seconds, songs, characters.

What cannot be told is None, never 0: also what a failed task used, as the gateway does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Count, Q

from playground.media.models import Asset, MediaTask, Status

# By medium: the unit, and the kind of the outputs that count.
UNITS = {
    "image": ("image", "image"),
    "video": ("second", "video"),
    "music": ("song", "audio"),
    "speech": ("character", "audio"),
}
COUNTS = ("n", "number", "count", "image_count")
SECONDS = ("duration", "seconds")
SPOKEN = ("input", "text")
MOST_MILLI = 2**62


def unit_of(task: MediaTask) -> str:
    return UNITS.get(task.medium, ("", ""))[0]


def made(task: MediaTask, status: str) -> int | None:
    """What an ended task made, in thousandths of its unit."""
    unit, kind = UNITS.get(task.medium, ("", ""))
    if not unit or status != Status.SUCCEEDED:
        return None
    if unit == "character":
        return _spoken(task)
    outputs = Asset.objects.filter(task=task, kind=kind)
    counts = outputs.aggregate(all=Count("pk"), long=Count("pk", filter=Q(duration_s__gt=0)))
    if unit != "second":
        return counts["all"] * 1000 or None
    if counts["all"] and counts["all"] == counts["long"]:
        lengths = outputs.values_list("duration_s", flat=True)
        return round(sum(Decimal(str(length)) for length in lengths if length) * 1000)
    asked = _number(task.inputs.get("values", {}), SECONDS)
    return None if asked is None or not counts["all"] else _milli(asked * counts["all"])


def wanted(task: MediaTask) -> int | None:
    """What a task asks for, before it is sent."""
    unit, values = unit_of(task), task.inputs.get("values", {})
    if unit == "character":
        return _spoken(task)
    if unit == "song":
        # Every route that makes a song makes two takes.
        return 2000
    count = _number(values, COUNTS) or Decimal(1)
    if unit == "image":
        return _milli(count)
    seconds = _number(values, SECONDS)
    return None if unit != "second" or seconds is None else _milli(seconds * count)


def _spoken(task: MediaTask) -> int | None:
    values = task.inputs.get("values", {})
    return next((len(values[name]) * 1000 for name in SPOKEN if isinstance(values.get(name), str)), None)


def _number(values: Mapping[str, Any], names: tuple[str, ...]) -> Decimal | None:
    """The field of one of these names, wherever it lies in the body ("parameters.n")."""
    for path, value in values.items():
        if path.rpartition(".")[2] in names:
            try:
                number = Decimal(str(value))
            except InvalidOperation:
                continue
            if number.is_finite() and number > 0:
                return number
    return None


def _milli(number: Decimal) -> int | None:
    milli = int(number * 1000)
    return milli if milli < MOST_MILLI else None
