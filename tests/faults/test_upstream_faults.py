"""What a gateway does wrong: told in the right words, what came is kept, and the next answer comes."""

from __future__ import annotations

import re

import pytest

from tests._servers.processes import until
from tests.faults.answers import SIGNS
from tests.faults.standing import Standing, words

CAME = "There are a few sides"
# Model of the demo gateway -> what the page says, whether text came before it, whether a retry is offered.
DEMO = {
    "demo-malformed": ("Unreadable answer", True, True),
    "demo-error-502-html": ("The provider is unavailable", False, True),
    "demo-redirect": ("Unreadable answer", False, True),
    "demo-stall-after-40": ("No answer in time", True, True),
    "demo-hang": ("No answer in time", False, True),
    "demo-reset-after-40": ("The answer broke off", True, True),
    "demo-cut-after-40": ("The answer broke off", True, True),
    "demo-error-after-40": ("The provider is unavailable", True, True),
    "demo-error-401": ("The key was not accepted", False, False),
    "demo-error-402": ("Balance or quota used up", False, False),
    "demo-error-429-quota": ("Balance or quota used up", False, False),
    "demo-error-413": ("Too large", False, False),
    "demo-content-filter": ("Cut by a content filter", True, False),
    "demo-json-instead": ("First token", True, False),
    "demo-null-fields": ("First token", True, False),
}


@pytest.mark.parametrize("model", DEMO)
def test_a_fault_of_the_gateway_is_told_and_what_came_is_kept(there: Standing, model: str) -> None:
    said, kept, retry = DEMO[model]
    sent = there.send(model)
    html = sent.ended()
    text = words(html)
    assert said in text
    assert (CAME in text) is kept
    assert ("Try again" in text) is retry
    assert not (kept and retry) or re.search("What came (until then )?is kept", text)
    assert said in words(sent.visitor.get(f"/chat/{sent.conversation}/").text)
    there.works()


def test_a_frame_of_eight_megabytes_arrives_whole(there: Standing) -> None:
    key = there.key("sk-of-the-big-frame-0000")
    sent = there.send("big-frame", key=key)
    until(lambda: "data-live" not in sent.asked().html())
    source = sent.visitor.get(f"/chat/turn/{sent.asked().turn}/source").text
    assert (len(source), set(source)) == (8 * 2**20, {"x"})
    there.works()


@pytest.mark.parametrize("stream", ["on", None], ids=["streamed", "whole"])
@pytest.mark.parametrize("model", ["malformed", "only-malformed", "wrong-types", "silent"])
def test_rubbish_ends_in_an_error_or_in_what_could_be_read(
    there: Standing, model: str, stream: str | None
) -> None:
    text = words(there.send(model, key=there.key("sk-of-the-rubbish-000000"), stream=stream).ended())
    assert re.search("The answer broke off|Unreadable answer", text), text
    assert "Try again" in text
    assert ("Kept before." in text) is (model == "malformed")
    there.works()


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_to_another_host_gets_neither_key_nor_prompt(there: Standing, status: int) -> None:
    key = there.key("sk-not-for-strangers-000")
    html = there.send(f"redirect-{status}", key=key).ended()
    assert f"redirect ({status}), which is never followed with a key" in words(html)
    assert ("sk-not-for-strangers-000", "Tell me about lighthouses.") in there.upstream.asked
    assert there.upstream.strayed == []


def test_signs_of_the_stream_inside_an_answer_stay_text(there: Standing) -> None:
    sent = there.send("signs", key=there.key("sk-of-the-signs-00000000"))
    sent.ended()
    source = sent.visitor.get(f"/chat/turn/{sent.asked().turn}/source")
    assert source.content.decode() == SIGNS.replace("\0", "\u2400").replace("\ud800", "\ufffd")


def test_nul_and_lone_surrogates_in_an_answer_are_shown_and_kept(there: Standing) -> None:
    text = words(there.send("demo-nul").ended())
    assert (
        "a NUL byte here \u2400 and there \u2400, a lone high surrogate \ufffd, a lone low one \ufffd" in text
    )
    assert "The text after them has to be kept." in text


def test_a_compressed_answer_nobody_asked_for_is_not_unpacked(there: Standing) -> None:
    text = words(there.send("compressed", key=there.key("sk-of-the-gzip-000000000")).ended())
    assert "Unreadable answer" in text
    assert "compressed answer (gzip)" in text


def test_many_faults_at_once_leave_room_for_an_answer(there: Standing) -> None:
    stuck = [there.send("demo-hang") for _ in range(8)]
    there.works()
    assert all("No answer in time" in sent.ended() for sent in stuck)
