"""The fallback of a chat: one more model of the same family and key, for passing faults of the first.

Kept in the settings as {"on", "model", "ask"}; with `ask` a person is asked first. A run holds {"model",
"ask"} in its params, and the attempt after which the fallback was asked says so (see `attempts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from playground.chat.attempts import handed_over
from playground.chat.models import Run
from playground.gateway.assembly import storable
from playground.gateway.errors import GatewayError
from playground.gateway.retry import passes

Fallback = dict[str, Any]
OFF: Fallback = {"on": False, "model": "", "ask": True}
NONE_CHOSEN = "Choose a fallback model, or switch the fallback off."
THE_SAME = "The fallback is the model itself. Choose another one, or switch the fallback off."


def typed(data: QueryDict) -> Fallback:
    """The fallback as the page sends it."""
    return {
        "on": "fallback-on" in data,
        "model": storable(data.get("fallback", "")).strip()[:255],
        "ask": data.get("fallback-how") != "switch",
    }


def complaint(fallback: Any, model: str) -> str:
    """What is wrong about a fallback of `model` that is on; "" for nothing, and for one that is off."""
    if not fallback or not fallback.get("on"):
        return ""
    other = str(fallback.get("model") or "").strip()
    if not other:
        return NONE_CHOSEN
    return THE_SAME if other == model.strip() else ""


def sent(settings: Mapping[str, Any]) -> Fallback | None:
    """What a run keeps of it; None when it is off. Raises ValueError with a sentence."""
    fallback = settings.get("fallback") or OFF
    if wrong := complaint(fallback, str(settings.get("model") or "")):
        raise ValueError(wrong)
    if not fallback.get("on"):
        return None
    return {"model": str(fallback["model"]).strip(), "ask": bool(fallback.get("ask", True))}


def words(fallback: Mapping[str, Any]) -> str:
    """How it comes into play, after the name of the model."""
    return "you are asked first" if fallback.get("ask", True) else "it is asked by itself"


def offered(run: Run, text: str) -> str:
    """The model to offer for a run that failed: where it could have stepped in by itself; "" for none."""
    told = run.params.get("fallback") or {}
    if run.status != Run.Status.FAILED or text or run.fell_back or not run.attempts:
        return ""
    if run.attempts[-1].get("began") or not passes(run.error_kind, run.http_status, run.error_code):
        return ""
    return str(told.get("model", ""))


def steps_in(run: Run, attempts: list[dict[str, Any]], error: GatewayError) -> dict[str, Any] | None:
    """The last attempt as `handed_over` tells it, when the fallback is to be asked by itself now.

    That is once, and only after a passing fault that came before the first byte of an answer.
    """
    told = run.params.get("fallback") or {"ask": True}
    if told["ask"] or run.fell_back or not attempts or attempts[-1].get("began"):
        return None
    if not passes(error.kind, error.status, error.code):
        return None
    return handed_over(attempts[-1], run, told["model"])
