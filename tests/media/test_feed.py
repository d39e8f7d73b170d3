"""The page's one stream in a real web process: it tells of tasks, and never holds up a stop."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from tests._servers.processes import PATIENCE_S
from tests._servers.site import Site, Visitor


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Name and data of each event."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def test_a_page_hears_of_the_teams_tasks_and_of_the_end(
    site: Callable[..., Site], signed_in: Callable[..., Visitor], mode: str
) -> None:
    place = site(mode)
    visitor = signed_in(place)
    page = visitor.get("/studio/video/?operation=kling.text2video").text
    keys = re.search(r'<select id="key".*?</select>', page, re.DOTALL)
    assert keys
    key = re.findall(r'value="([0-9a-f-]{36})"', keys[0])[0]
    form = {"operation": "kling.text2video", "key": key, "form_id": str(uuid.uuid4())}
    form |= {"p-model": "kling-v3", "p-prompt": "a boat", "p-mode": "std"}
    with visitor.stream("GET", "/chat/live") as response:
        told = events(response.iter_lines())
        assert next(told)[0] == "ready"
        made = visitor.post("/studio/make", data=form)
        assert "a boat" in made.text
        name, data = next(told)
        assert (name, data["kind"]) == ("feed", "task")
        assert data["task"] in str(made.url)
        place.term()
        assert next(told)[0] == "drain"
    place.running["web"].popen.wait(timeout=PATIENCE_S)
