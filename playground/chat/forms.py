"""What people send to a conversation: a message with its images, a text, a title."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings as site
from django.http import QueryDict

from playground.chat import attachments
from playground.gateway.assembly import storable

Settings = dict[str, Any]
DEFAULT_FAMILY = "openai_chat"


class StorableText(forms.CharField):
    """Text as it was typed: what a database refuses is replaced visibly, nothing is stripped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        text: str = super().to_python(value) or ""
        return storable(text.replace("\r\n", "\n"))


class MessageForm(forms.Form):
    """A text with images: a question, an edited one, or a draft. `turn_id` is made up by the page."""

    turn_id = forms.UUIDField(required=False)
    text = StorableText(required=False)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if len(text) > site.MAX_PROMPT_CHARS:
            raise forms.ValidationError(
                f"This message has {len(text):,} characters; at most {site.MAX_PROMPT_CHARS:,} can be sent."
            )
        return text

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["images"] = []
        try:
            self.cleaned_data["images"] = images_from(self.data)
        except attachments.Refused as error:
            self.add_error(None, str(error))
        return self.cleaned_data

    @property
    def prompt(self) -> dict[str, Any]:
        """The prompt in the composer, as a draft keeps it: {"version", "values"}, or empty."""
        version = self.data.get("prompt", "")
        if not version:
            return {}
        try:
            values = json.loads(self.data.get("values") or "{}")
        except (ValueError, RecursionError):
            values = {}
        return {"version": version[:36], "values": values if isinstance(values, dict) else {}}

    @property
    def complaint(self) -> str:
        """The first thing wrong, as one sentence."""
        return next((str(errors[0]) for errors in self.errors.values()), "")


def images_from(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """The attached images in order: an id of ours or an https address each. Raises attachments.Refused."""
    if not isinstance(data, QueryDict):
        return []
    rows: list[dict[str, str]] = []
    alts = data.getlist("alt")
    for at, where in enumerate(data.getlist("image")):
        alt = storable(alts[at])[:500] if at < len(alts) else ""
        rows.append({**_place(where.strip()), "alt": alt})
    return rows


def _place(where: str) -> dict[str, str]:
    try:
        return {"attachment": str(UUID(where))}
    except ValueError:
        return {"url": attachments.check_url(where)}


class TitleForm(forms.Form):
    title = forms.CharField(max_length=200, error_messages={"required": "Give the chat a title."})

    def clean_title(self) -> str:
        return " ".join(storable(self.cleaned_data["title"]).split())

    @property
    def complaint(self) -> str:
        return str(self.errors["title"][0]) if self.errors else ""
