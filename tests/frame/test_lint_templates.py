"""The template lint: one failing sample for every rule, and nothing to say about our own tree."""

from __future__ import annotations

import pytest

from playground.lint_templates import MAY_MARK_SAFE, lint_python, lint_template, lint_tree

SAMPLES = {
    "{{ answer|safe }}": "filter `safe`",
    "{{ answers | safeseq }}": "filter `safe`",
    "{% if answer|safe %}{% endif %}": "filter `safe`",
    "{% autoescape off %}{{ answer }}{% endautoescape %}": "autoescape off",
    '<p style="color: red">': "inline style",
    "<style>p { color: red }</style>": "inline style element",
    '<button onclick="go()">': "inline handler onclick",
    '<img {% if big %}onerror="go()"{% endif %} src="/a.png">': "inline handler onerror",
    '<div hx-on:click="go()">': "hx-on",
    '<div hx-on::after-request="go()">': "hx-on",
    '<div hx-vals="js:{a: 1}">': "hx-vals",
    "<div hx-headers='javascript:{a: 1}'>": "hx-headers",
    '<button hx-trigger="click[ctrlKey]">': "hx-trigger filter",
    "<script>go()</script>": "inline script",
    '<script type="module">go()</script>': "inline script",
    '<form method="post"><button>Go</button></form>': "csrf_token",
    '<form method="POST"></form><form>{% csrf_token %}</form>': "csrf_token",
    '<form method="post">': "csrf_token",
    "<!doctype html><html><body></body></html>": "without lang",
    '<a href="javascript:go()">': "script or data address",
    '<a href=" JavaScript:go()">': "script or data address",
    '<script src="https://elsewhere.example/x.js"></script>': "another host",
    '<link rel="stylesheet" href="//elsewhere.example/x.css">': "another host",
    '<img src="http://elsewhere.example/x.png">': "another host",
    '{% icon "unicorn" %}': "no icon 'unicorn'",
}

GOOD = """<!doctype html>
<html lang="en" data-theme="{{ theme }}">
<script src="{% static 'js/main.js' %}"></script>
<script id="data" type="application/json">{}</script>
<form method="post" action="{% url 'set-theme' %}">{% csrf_token %}</form>
<form method="get"><input name="q"></form>
<button hx-get="{% url 'x' %}" hx-trigger="click delay:1s, load" hx-vals='{"a": 1}'>{% icon "copy" %}</button>
<a href="https://docs.example/" rel="noopener">{{ safe }}</a>
</html>
"""


@pytest.mark.parametrize(("source", "rule"), SAMPLES.items())
def test_a_forbidden_thing_is_found(source, rule):
    found = lint_template(source, icons=frozenset({"copy"}))
    assert [rule in finding.rule for finding in found] == [True]


def test_a_good_page_has_no_finding():
    assert lint_template(GOOD, icons=frozenset({"copy"})) == []


def test_a_finding_names_file_and_line():
    (finding,) = lint_template('<p>\n{% comment %}\n{% endcomment %}\n<b style="x">', "chat/page.html")
    assert str(finding).startswith("chat/page.html:4: ")


@pytest.mark.parametrize(
    "source",
    [
        "from django.utils.safestring import mark_safe\n",
        "from django.utils import safestring\nx = safestring.mark_safe('a')\n",
        "from django.utils.html import html_safe\n",
        "x = SafeString('a')\n",
    ],
)
def test_marking_html_as_safe_is_found_everywhere_but_in_the_one_allowed_file(source):
    assert len(lint_python(source, "playground/chat/views.py")) == 1
    (allowed,) = MAY_MARK_SAFE
    assert lint_python(source, allowed) == []


def test_an_annotation_with_safestring_is_no_marking():
    assert lint_python("def icon() -> SafeString: ...\n", "playground/templatetags/frame.py") == []


def test_our_own_tree_has_no_finding():
    assert lint_tree() == []
