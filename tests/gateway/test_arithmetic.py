"""Totals are spelled out in terms that always agree with them."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from playground.gateway.arithmetic import sums
from playground.gateway.events import Usage
from playground.gateway.wire import FAMILIES

CHAT, MESSAGES = FAMILIES["openai_chat"].usage, FAMILIES["anthropic"].usage


def terms(total):
    return [(term.label, term.count, term.field) for term in total.terms]


def test_everything_told_is_split_in_the_words_of_the_family():
    told, written = sums(Usage(1812, 52, 1700, 100, 12), MESSAGES)
    assert (told.label, told.total, told.note) == ("Input", 1812, "")
    assert terms(told) == [
        ("new", 12, "input_tokens"),
        ("read from cache", 1700, "cache_read_input_tokens"),
        ("written to cache", 100, "cache_creation_input_tokens"),
    ]
    assert (written.label, written.total) == ("Output", 52)
    assert terms(written) == [
        ("answer", 40, "the rest of output_tokens"),
        ("reasoning", 12, "output_tokens_details.thinking_tokens"),
    ]


def test_a_total_of_which_no_part_was_told_is_one_term_under_its_own_field():
    told, written = sums(Usage(18, 11), CHAT)
    assert terms(told) == [("", 18, "prompt_tokens")]
    assert terms(written) == [("", 11, "completion_tokens")]


def test_a_zero_that_was_told_is_a_term():
    told, _ = sums(Usage(18, cache_read_tokens=0), CHAT)
    assert terms(told)[1] == ("read from cache", 0, "prompt_tokens_details.cached_tokens")


def test_what_was_not_told_stays_unknown():
    told, written = sums(Usage(), CHAT)
    assert (told.total, told.terms, told.note) == (None, (), "")
    assert (written.total, written.terms) == (None, ())


def test_parts_without_a_total_are_said_but_not_added_up():
    told, written = sums(Usage(cache_read_tokens=5, cache_write_tokens=7, reasoning_tokens=3), CHAT)
    assert (told.total, written.total) == (None, None)
    assert told.note == "Told without a total: 5 read from cache and 7 written to cache."
    assert written.note == "Told without a total: 3 reasoning."


@pytest.mark.parametrize(
    "cached", [{"cache_read_tokens": 19}, {"cache_read_tokens": 10, "cache_write_tokens": 9}]
)
def test_counts_that_contradict_each_other_are_shown_unsplit_with_a_note(cached):
    told, _ = sums(Usage(18, **cached), CHAT)
    assert terms(told) == [("", 18, "prompt_tokens")]
    assert "more than the 18" in told.note


counts = st.none() | st.integers(0, 2**31 - 1)


@example(Usage(5, 5, 5, 1, 6), CHAT)
@given(
    st.builds(Usage, *[counts for _ in dataclasses.fields(Usage)]),
    st.sampled_from([family.usage for family in FAMILIES.values()]),
)
def test_the_terms_always_add_up_to_the_total(usage, words):
    for total, told in zip(sums(usage, words), (usage.input_tokens, usage.output_tokens), strict=True):
        assert total.total == told
        if told is None:
            assert total.terms == ()
        else:
            assert sum(term.count for term in total.terms) == told
        assert all(term.count >= 0 for term in total.terms)
