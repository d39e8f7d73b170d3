"""The library for programs: JSON by token, described in `openapi` and docs/api.md. A session opens nothing
here, so there is nothing to forge.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts import tokens
from accounts.models import ApiToken
from playground.library import fill, finding, kinds, openapi, rights, variables
from playground.library.kinds import CHAT
from playground.library.models import Level, Prompt, PromptVersion

READ, RUN = "prompts:read", "prompts:run"
LARGEST, PAGE, MOST = 4 * 1024 * 1024, 50, 200
DEFAULT_FAMILY = "openai_chat"
_OPTIONS = ("values", "family", "model", "stream", "label", "version")

View = Callable[..., HttpResponse]


class Refused(Exception):
    """The answer is an error: its status, a word for programs, a sentence, and sentences by field."""

    def __init__(self, status: int, code: str, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.fields = status, code, fields or {}


def endpoint(method: str, scope: str) -> Callable[[View], View]:
    """A view of a program: asks for the token, its scope and its rate, and tells every error in one shape."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, **arguments: str) -> HttpResponse:
            try:
                token = _admitted(request, method, scope)
                return view(request, token, **arguments)
            except Refused as error:
                return _failure(error)
            except finding.Missing as error:
                return _failure(Refused(404, "not_found", str(error)))
            except PermissionDenied as error:
                return _failure(Refused(403, "forbidden", str(error)))
            except Http404:
                return _failure(Refused(404, "not_found", "There is no such prompt here."))

        return csrf_exempt(login_not_required(answer))

    return decorate


@endpoint("GET", READ)
def prompts(request: HttpRequest, token: ApiToken) -> HttpResponse:
    """A page of the prompts the token sees, by slug; `next` is the address of the following one."""
    asked = request.GET
    rows = rights.visible(token.team, token.user).select_related("head").order_by("slug")
    rows = rows.defer("text", "head__body").prefetch_related("tags", "labels__version")
    if "archived" not in asked:
        rows = rows.filter(archived_at=None)
    for name, path in (("kind", "kind"), ("tag", "tags__name__iexact"), ("label", "labels__name")):
        if asked.get(name):
            rows = rows.filter(**{path: finding.plain(asked[name])})
    limit = _whole(asked.get("limit"), "limit", PAGE, MOST)
    found = list(rows.filter(slug__gt=finding.plain(asked.get("after", "")))[: limit + 1])
    following = asked.copy()
    if more := len(found) > limit:
        following["after"] = found[limit - 1].slug
    address = request.build_absolute_uri(f"{request.path}?{following.urlencode()}") if more else None
    return _told(request, {"prompts": [_about(prompt) for prompt in found[:limit]], "next": address})


@endpoint("GET", READ)
def prompt(request: HttpRequest, token: ApiToken, slug: str) -> HttpResponse:
    """One version, by `label` or `version`; the newest without. 304 when the ETag is the caller's."""
    version = _resolved(token, slug, request.GET.get("label"), request.GET.get("version"))
    owner = version.prompt
    told = {
        **_named(owner),
        "version": version.number,
        "labels": sorted(version.labels.values_list("name", flat=True)),
        "note": version.note,
        "author": version.written_by,
        "created_at": version.created_at.isoformat(),
        "digest": version.digest,
        "variables": [_variable(one) for one in fill.variables_of(version, token.user)],
        "body": version.body,
    }
    return _told(request, told)


@endpoint("POST", RUN)
def render(request: HttpRequest, token: ApiToken, slug: str) -> HttpResponse:
    """The request a program sends to the gateway for one version and these `values`."""
    given = _read(request)
    version = _resolved(token, slug, given.get("label"), given.get("version"))
    rights.need(token.user, version.prompt, Level.RUN)
    filled = fill.filled(version, given.get("values", {}), token.user)
    if isinstance(filled, fill.Errors):
        raise Refused(422, "invalid_values", "Some values are missing or wrong.", filled.by_name)
    kind = kinds.get(version.prompt.kind)
    told: dict[str, Any] = {"slug": version.prompt.slug, "version": version.number, "family": None}
    if kind is not None and kind.render is not None:
        told["family"] = _family(given, filled.body)
        try:
            asked = (filled.body, _options(given), told["family"])
            told["request"] = kind.render(*asked)
            told["fallback"] = kind.render_fallback(*asked) if kind.render_fallback is not None else None
        except ValueError as error:
            raise Refused(422, "cannot_render", str(error)) from None
    else:
        told |= {"request": None, "filled": filled.body}
    used = [{"slug": one.prompt.slug, "version": one.number} for one in filled.used]
    return _told(request, told | {"used": used}, cached=False)


@login_not_required
def description(request: HttpRequest) -> HttpResponse:
    """What there is, as OpenAPI 3.1: nothing in it is anybody's."""
    if request.method not in ("GET", "HEAD"):
        return _failure(Refused(405, "method_not_allowed", "This address takes GET."))
    return _told(request, openapi.describe(request.build_absolute_uri("/").rstrip("/")))


def _admitted(request: HttpRequest, method: str, scope: str) -> ApiToken:
    if request.method != method and not (method == "GET" and request.method == "HEAD"):
        raise Refused(405, "method_not_allowed", f"This address takes {method}.")
    token = tokens.caller(request)
    if token is None:
        message = "Send a live API token: Authorization: Bearer apt_…. Settings → API tokens makes one."
        raise Refused(401, "unauthorized", message)
    if seconds := tokens.wait(token, time.time()):
        raise Refused(
            429, "rate_limited", f"Too many requests. Wait {seconds} s.", {"retry_after": str(seconds)}
        )
    if not tokens.allows(token, scope):
        raise Refused(403, "forbidden", f"This token may not do this: it needs the scope {scope}.")
    return token


def _failure(error: Refused) -> HttpResponse:
    told: dict[str, Any] = {"code": error.code, "message": str(error)}
    wait = error.fields.pop("retry_after", "") if error.code == "rate_limited" else ""
    if error.fields:
        told["fields"] = error.fields
    response = JsonResponse({"error": told}, status=error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="prompts"'
    if wait:
        response.headers["Retry-After"] = wait
    return response


def _told(request: HttpRequest, value: Any, *, cached: bool = True) -> HttpResponse:
    """JSON with an ETag over all of it: a new title or label is a change as a new version is."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
    if not cached:
        return HttpResponse(text, content_type="application/json", headers={"Cache-Control": "no-store"})
    tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    known = re.findall(r'"[^"]*"|\*', request.headers.get("If-None-Match", ""))
    if tag in known or "*" in known:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(text, content_type="application/json", headers=headers)


def _resolved(token: ApiToken, slug: str, label: Any, number: Any) -> PromptVersion:
    if label is not None and number is not None:
        raise Refused(400, "bad_request", "Name a label or a version, not both.")
    if not isinstance(label, str | None):
        raise Refused(400, "bad_request", "The label must be a text.")
    wanted = _whole(number, "version", 0, 2**31 - 1) or None
    name = finding.plain(label or "") or None
    return finding.resolve(token.team, finding.plain(slug), name, wanted, token.user)


def _whole(text: Any, name: str, otherwise: int, most: int) -> int:
    if text in (None, ""):
        return otherwise
    shown = str(text)
    if isinstance(text, bool) or not re.fullmatch(r"[0-9]{1,10}", shown) or not 1 <= int(shown) <= most:
        raise Refused(400, "bad_request", f"The {name} must be a number from 1 to {most:,}.")
    return int(shown)


def _read(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent."""
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise Refused(413, "too_large", f"At most {LARGEST // 2**20} MB are taken here.")
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(400, "bad_request", "The body must be JSON.") from None
    if not isinstance(given, dict) or not isinstance(given.get("values", {}), dict):
        message = "The body must be an object; its values must be an object of values by name."
        raise Refused(400, "bad_request", message)
    if unknown := sorted(set(given) - set(_OPTIONS)):
        message = f"There is no field {unknown[0]}; there are {', '.join(_OPTIONS)}."
        raise Refused(400, "bad_request", message)
    return given


def _family(given: dict[str, Any], body: dict[str, Any]) -> str:
    settings = body.get("settings")
    own = settings.get("family") if isinstance(settings, dict) else ""
    return str(given.get("family") or own or DEFAULT_FAMILY)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(given.get("model", ""), str) or not isinstance(given.get("stream", False), bool):
        raise Refused(400, "bad_request", "The model must be a text, stream true or false.")
    return {name: given[name] for name in ("model", "stream") if name in given}


def _about(prompt: Prompt) -> dict[str, Any]:
    pointed = {label.name: label.version.number for label in prompt.labels.all()}
    latest = prompt.head.number if prompt.head else None
    when = {"updated_at": prompt.updated_at.isoformat(), "archived": prompt.archived_at is not None}
    return _named(prompt) | {"latest": latest, "labels": dict(sorted(pointed.items()))} | when


def _named(prompt: Prompt) -> dict[str, Any]:
    tags = sorted(tag.name for tag in prompt.tags.all())
    named = {"slug": prompt.slug, "title": prompt.title, "about": prompt.about}
    return named | {"kind": prompt.kind or CHAT, "tags": tags}


def _variable(one: variables.Variable) -> dict[str, Any]:
    told = {"name": one.name, "type": one.type, "label": one.title, "required": one.required}
    return told | {"default": one.default, "help": one.help, "choices": list(one.choices)}
