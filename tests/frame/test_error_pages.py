"""Error pages: they say what happened, need no database, and load nothing that the policy forbids."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string

PAGES = {
    "404.html": "There is nothing here",
    "403.html": "You may not do this",
    "500.html": "Something broke on our side",
    "csrf.html": "This form is too old",
}


# No `django_db` mark: a query would fail the test.
@pytest.mark.parametrize(("template", "words"), PAGES.items())
def test_an_error_page_needs_neither_request_nor_database(template, words):
    page = render_to_string(template)
    assert f"<h1>{words}</h1>" in page
    assert '<html lang="en" data-theme="system"' in page
    assert '<main id="main"' in page


@pytest.mark.parametrize("template", ["500.html", "csrf.html"])
def test_an_error_page_offers_the_request_id_to_copy(template):
    page = render_to_string(template, {"request_id": "0123abcd"})
    assert '<code class="id" id="request-id">0123abcd</code>' in page
    assert 'data-copy="#request-id"' in page


def test_the_reason_of_a_refusal_is_shown_as_text():
    page = render_to_string("403.html", {"reason": "<b>Viewers cannot ask.</b>"})
    assert "&lt;b&gt;Viewers cannot ask.&lt;/b&gt;" in page
