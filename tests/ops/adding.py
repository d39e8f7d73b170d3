"""A key added through the page, and every spelling it must not turn up in afterwards."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from django.test import Client
from django.urls import reverse

from tests.ops.gateway import Gateway

SECRET = "sk-canary+7f/3a9c=e1b2d4"
SPELLINGS = (
    SECRET,
    base64.b64encode(SECRET.encode()).decode(),
    SECRET.encode().hex(),
    quote(SECRET, safe=""),
    json.dumps(SECRET)[1:-1],
    SECRET.replace("+", "&#x2B;"),
)
HTMX = {"HX-Request": "true"}


def add(client: Client, gateway: Gateway, *, htmx: bool = False, **fields: str) -> str:
    """Post the form, follow to the page, give its HTML."""
    data = {"label": "Mine", "base_url": gateway.url, "secret": SECRET} | fields
    response = client.post(reverse("keys"), data, follow=True, headers=HTMX if htmx else None)
    assert response.status_code in (200, 422)
    return response.content.decode()
