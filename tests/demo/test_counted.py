"""Counting behind a mark: right as long as the gateway remembers, and never wrong in silence."""

import pytest

from playground.demo.records import KEPT
from tests._servers.counted import mark


@pytest.fixture
def own(starter):
    return starter("--fast")


def test_what_came_before_the_mark_counts_nothing_however_much_of_it_is_forgotten(own):
    for _ in range(KEPT):
        own.chat()
    since = mark(own.base)
    assert since.calls("demo-chat") == 0
    own.chat()
    own.chat(model="demo-fast-2")
    own.chat()
    assert since.calls("demo-chat") == 2


def test_more_than_is_remembered_is_said(own):
    since = mark(own.base)
    for _ in range(KEPT):
        own.chat()
    assert since.calls("demo-chat") == KEPT
    own.chat()
    with pytest.raises(AssertionError, match="more requests came"):
        since.calls("demo-chat")
