"""The template tags of the frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template

from playground.lint_templates import SPRITE
from playground.templatetags import frame

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def rendered(source: str, **values: object) -> str:
    return Template("{% load frame %}" + source).render(Context(values))


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 ms"),
        (820, "820 ms"),
        (999.6, "1.00 s"),
        (1240, "1.24 s"),
        (9_996, "10.0 s"),
        (12_400, "12.4 s"),
        (59_960, "1 min 00 s"),
        (125_000, "2 min 05 s"),
        (3_720_000, "1 h 02 min"),
        (None, "not told"),
    ],
)
def test_a_duration_is_said_as_people_say_it(ms, words):
    assert frame.duration(ms) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (3_100_000, "3.1 MB"),
        (250_000, "250 KB"),
        (None, "not told"),
    ],
)
def test_a_size_is_short(size, words):
    assert frame.filesize_short(size) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0"), (1240, "1,240"), (None, "not told")])
def test_unknown_tokens_are_never_shown_as_zero(count, words):
    assert frame.tokens(count) == words


def test_a_variable_that_is_missing_is_not_told():
    assert rendered("{{ a|tokens }} {{ b|duration }} {{ c|filesize_short }}") == "not told not told not told"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=-2), "just now"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=15), "5 Nov"),
        (timedelta(days=400), "16 Oct 2025"),
    ],
)
def test_a_time_is_said_relative_to_now(before, words):
    assert f">{words}</time>" in frame.ago(NOW - before, NOW)


def test_a_time_carries_the_absolute_one():
    html = frame.ago(NOW, NOW)
    assert 'datetime="2026-11-20T12:00:00+00:00"' in html
    assert 'title="20 Nov 2026, 12:00:00 UTC"' in html


def test_a_time_that_never_was_is_never():
    assert rendered("{% ago when %}", when=None) == "never"


def test_an_icon_is_decoration_from_the_sprite():
    html = rendered('{% icon "copy" %}')
    assert 'aria-hidden="true"' in html
    assert "vendor/icons" in html
    assert "#copy" in html


def test_every_icon_the_tags_name_is_in_the_sprite():
    sprite = SPRITE.read_text()
    named = [picture for picture, _ in frame.STATUSES.values()] + [entry.icon for entry in frame.ENTRIES]
    assert [name for name in named if f'<symbol id="{name}"' not in sprite] == []


def test_a_family_has_its_label_and_a_foreign_name_stays_text():
    assert ">OpenAI chat</span>" in rendered('{% family_badge "openai_chat" %}')
    assert "&lt;b&gt;</span>" in rendered("{% family_badge name %}", name="<b>")


def test_a_status_is_a_word_beside_its_icon():
    html = rendered('{% status "failed" %}{% status "ok" word %}', word="<b>Fine</b>")
    assert "<span>Failed</span>" in html
    assert "&lt;b&gt;Fine&lt;/b&gt;" in html
    assert html.count("<svg") == 2


@pytest.mark.parametrize(
    ("cookies", "theme"), [({}, "system"), ({"theme": "dark"}, "dark"), ({"theme": '"><script>'}, "system")]
)
def test_a_signed_out_page_keeps_the_theme_this_browser_showed_last(rf, cookies, theme):
    request = rf.get("/")
    request.COOKIES.update(cookies)
    assert rendered("{% theme %}", request=request) == theme


@pytest.mark.parametrize(("cookie", "state"), [("slim", "slim"), ("wide", "wide"), ("<b>", "wide")])
def test_the_rail_is_drawn_as_it_was_left(rf, cookie, state):
    request = rf.get("/")
    request.COOKIES["rail"] = cookie
    assert rendered("{% rail_state %}", request=request) == state
