"""Safe Markdown: the same whole or streamed, harmless for hostile text, linear for long text."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.chat import markup
from playground.chat.markdown import BlockStream, render
from tests.chat.hostile import PAYLOADS, PLACES, offences

LINES = """\
a|text *em*|a   |  b|   c|    d|      e|\tf|\t- tab|- a|* b|+ c|-|1. one|2. two|3) three|10. ten
  - nested|    - deeper|   1. n|- - - a|1. > q|- > q|- # h|- ```|> q|> - ql|> ```|>|> > qq|>tight
```|```py|~~~|~~~~|`````|  ```|    ```|# h|##|#|===|---|- - -|* * *|***|___|--|=
[x]: http://y|[x]: http://y 'two|lines'|[x]|[x][y]|<div>|</div>|<!-- c|-->|<script>
$$|\\[|\\]|$a_b$|- [ ] t|- [x] d|\\|`open|**open|é ☃ 🎉|\u2028|\x0b|\x0c|\xa0|\x85|\0
""".replace("\n", "|").split("|")
PIPED = ["a | b", "| a | b |", "---|---", "|---|:-:|", "| 1 | 2 |", "- a | b", "# h | i", "``` a|b", ">a | b"]

a_line = st.one_of(
    st.just(""), st.sampled_from(LINES + PIPED), st.text(" \t>-*#`|~=_[]()!\\$a1.\n\r", max_size=12)
)
a_document = st.builds(
    lambda lines, newline, end: newline.join(lines) + end,
    st.lists(a_line, max_size=14),
    st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n"]),
)


def streamed(*pieces: str) -> list[str]:
    stream = BlockStream()
    blocks = [block for piece in pieces for block in stream.feed(piece)]
    return [*blocks, *stream.close()]


def pieces_of(source: str, chance: random.Random, longest: int) -> list[str]:
    pieces, start = [], 0
    while start < len(source):
        end = start + chance.randint(1, longest)
        pieces.append(source[start:end])
        start = end
    return pieces


def in_one_parse(source: str) -> str:
    """What CommonMark makes of the whole document, without any cutting into blocks."""
    source = markup.storable(source.replace("\r\n", "\n").replace("\r", "\n"))
    md, tokens = markup.parser(False), []
    md.block.parse(source if source.endswith("\n") else source + "\n", md, {}, tokens)
    return markup.block_html(md, tokens, markup.Outline())


def html_of(source: str) -> str:
    return "".join(render(source))


# ---- streamed is whole


@given(a_document, st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_a_streamed_document_is_the_rendered_one_however_it_was_cut(source, chance):
    whole = render(source)
    assert streamed(*pieces_of(source, chance, 9)) == whole
    assert streamed(*source) == whole


@given(a_document)
@settings(max_examples=400, deadline=None)
def test_cutting_into_blocks_changes_nothing_of_what_commonmark_says(source):
    assert html_of(source).replace("\n", "") == in_one_parse(source).replace("\n", "")


def test_a_thousand_generated_documents_are_the_same_whole_and_streamed():
    chance = random.Random(20)
    for _ in range(1_000):
        lines = [chance.choice(["", "", *LINES, *PIPED]) for _ in range(chance.randint(1, 16))]
        source = chance.choice(["\n", "\r\n"]).join(lines)
        assert streamed(*pieces_of(source, chance, 12)) == render(source), source


@given(a_document, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_finished_blocks_and_the_rendered_tail_are_always_the_whole(source, chance):
    stream, blocks = BlockStream(), []
    for piece in pieces_of(source, chance, 20):
        blocks += stream.feed(piece)
    # How deep a heading is depends on those before it, which the tail alone does not know.
    both = "".join([*blocks, *render(stream.tail)]), html_of(source)
    assert re.sub(r"(</?h)\d>", r"\1>", both[0]) == re.sub(r"(</?h)\d>", r"\1>", both[1])


@given(st.text(alphabet=st.characters(), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_at_all_gives_clean_html_that_utf8_can_hold(source):
    html = html_of(source)
    assert offences(html) == []
    html.encode()


# ---- when a block is finished


@pytest.mark.parametrize(
    "source",
    [
        "A paragraph.\n\n",
        "# A heading\n",
        "Underlined\n===\n",
        "```py\nx = 1\n\ny = 2\n```\n",
        "> quoted\n\n",
        "| a |\n|---|\n| 1 |\n\n",
        "***\n",
    ],
)
def test_a_block_is_sent_at_the_line_that_ends_it(source):
    stream = BlockStream()
    assert stream.feed(source[:-1]) == []
    assert stream.feed(source[-1]) == render(source)
    assert stream.tail == ""


def test_a_list_stays_open_until_something_else_begins():
    stream = BlockStream()
    assert stream.feed("- one\n\n- two\n\n  more of two\n\n- three\n\n") == []
    [finished] = stream.feed("After the list.\n")
    assert finished.count("<li>") == 3
    assert stream.tail == "After the list.\n"


def test_the_tail_is_the_source_of_what_is_open():
    stream = BlockStream()
    stream.feed("Done.\n\nStill ")
    stream.feed("op")
    assert stream.tail == "Still op"
    assert stream.close() == ["<p>Still op</p>\n"]
    assert (stream.tail, stream.close()) == ("", [])


def test_a_cr_lf_cut_in_the_middle_is_one_newline():
    assert streamed("one\r", "\ntwo\r", "\n\r", "\nthree") == render("one\ntwo\n\nthree")


# ---- hostile text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_text_is_harmless_at_every_prefix_and_every_cut(payload):
    whole = render(payload)
    assert offences("".join(whole)) == []
    for cut in range(len(payload)):
        assert offences(html_of(payload[:cut])) == []
        assert streamed(payload[:cut], payload[cut:]) == whole


@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_text_is_harmless_in_every_place(place):
    for payload in PAYLOADS:
        source = place.replace("{}", payload.replace("\n", " "))
        assert offences(html_of(source)) == [], source


def test_every_finished_block_is_harmless_alone():
    for payload in PAYLOADS:
        for block in render(f"{payload}\n\n- {payload}\n\nend"):
            assert offences(block) == [], payload


@pytest.mark.parametrize(
    "html",
    [
        "<script>x</script>",
        "<p onclick=x>x</p>",
        "<p hx-get=/>x</p>",
        "<p style=x>x</p>",
        "<p id=x>x</p>",
        "<p>",
    ]
    + [
        "<a href='javascript:x' rel='noopener nofollow ugc'>x</a>",
        "<a href='https://x'>x</a>",
        "</p>",
        "<img>",
    ]
    + [
        "<!-- x -->",
        "<button type=button class=copy data-copy=code onclick=x>x</button>",
        "<span class=x>x</span>",
    ],
)
def test_the_inspector_of_these_tests_sees_an_offence(html):
    assert offences(html)


def test_html_is_shown_as_it_was_written():
    assert render("a <b onclick=x>bold</b> & <!-- c -->") == [
        "<p>a &lt;b onclick=x&gt;bold&lt;/b&gt; &amp; &lt;!-- c --&gt;</p>\n"
    ]


def test_a_link_of_another_scheme_stays_readable_text():
    assert render("[x](javascript:alert)") == ["<p>[x](javascript:alert)</p>\n"]


def test_a_link_opens_elsewhere_and_tells_nothing():
    [html] = render('[x](https://ok.example/a?b=1&c=2 "title")')
    link = '<a href="https://ok.example/a?b=1&amp;c=2" target="_blank" rel="noopener nofollow ugc">x</a>'
    assert html == f"<p>{link}</p>\n"


def test_an_image_becomes_a_link_so_that_nothing_is_fetched():
    [html] = render("![a *cat*](https://pictures.example/cat.png)")
    assert re.search(r'<a href="https://pictures\.example/cat\.png"[^>]*>a cat</a>', html)


def test_an_image_inside_a_link_is_its_text():
    [html] = render("[![logo](https://a.example/i.png)](https://b.example)")
    assert "a.example" not in html
    assert re.search(r'<a href="https://b\.example"[^>]*>logo</a>', html)


def test_nul_and_lone_surrogates_are_replaced_where_they_stood():
    assert render("a\0b\ud800c") == ["<p>a\ufffdb\ufffdc</p>\n"]
    assert streamed("a\ud83d", "\ude00") == render("a\ud83d\ude00")


# ---- what it looks like


def test_code_is_highlighted_by_classes_with_room_for_the_copy_button():
    [html] = render("```python\nif x < 1:\n    pass\n```")
    assert html.startswith(
        '<figure class="code" data-lang="python"><figcaption>python</figcaption>'
        '<button type="button" class="copy" data-copy="code">Copy</button>'
        '<pre tabindex="0"><code class="hl-code"><span class="hl-k">if</span>'
    )


def test_code_of_an_unknown_language_is_named_but_never_guessed():
    [html] = render("```brainfunk\nif x: pass\n```")
    assert "<figcaption>brainfunk</figcaption>" in html
    assert "<span" not in html


def test_a_very_long_code_block_is_not_highlighted():
    [html] = render("```python\n" + "x = 1\n" * 4_000 + "```")
    assert "<span" not in html
    assert html.count("x = 1\n") == 4_000


def test_highlighting_loses_no_character_of_the_code():
    code = "\n\n  def f():\n\treturn '<&>'\n\n\n"
    [html] = render(f"```python\n{code}```")
    text = re.sub(r"<[^>]+>", "", html.split("</button>")[1])
    assert text.strip("\n") == "  def f():\n\treturn '&lt;&amp;&gt;'"
    assert text.startswith("\n\n  def")


def test_every_language_on_the_list_has_a_lexer():
    for name in markup.LANGUAGES:
        assert 'class="hl-code">' in markup.code_figure("x", name)


def test_headings_go_below_those_of_the_page():
    assert re.findall(r"<(h\d)>", html_of("# a\n## b\n### c\n#### d\n##### e\n###### f\n")) == [
        *("h3", "h4", "h5"),
        *("h6", "h6", "h6"),
    ]


@pytest.mark.parametrize(
    ("source", "levels"),
    [
        ("### a\n### b\n", [3, 3]),
        ("### a\n# b\n", [3, 3]),
        ("# a\n#### b\n## c\n### d\n# e\n", [3, 4, 4, 5, 3]),
        ("> ## a\n\n- ### b\n\n## c\n", [3, 4, 3]),
    ],
)
def test_no_heading_level_is_left_out_and_equals_stay_equal(source, levels):
    assert [int(level) for level in re.findall(r"<h(\d)>", html_of(source))] == levels


@given(st.lists(st.integers(1, 6), max_size=12))
def test_a_heading_is_never_more_than_one_level_below_the_one_before(ranks):
    levels = [
        int(level) for level in re.findall(r"<h(\d)>", html_of("".join("#" * n + " x\n" for n in ranks)))
    ]
    assert all(1 <= after <= before + 1 for before, after in zip([2, *levels], levels, strict=False))
    assert set(levels) <= {3, 4, 5, 6}


def test_a_table_scrolls_by_itself_and_aligns_by_class():
    [html] = render("| a | b |\n|:-:|--:|\n| 1 | 2 |\n")
    assert html.startswith('<div class="table-scroll" tabindex="0" role="group" aria-label="Table"><table>')
    assert '<th class="center" scope="col">a</th>' in html
    assert '<td class="right">2</td>' in html
    assert "<tr>\n<td></td>" in html_of("| | b |\n|-|-|\n")  # no empty heading


def test_task_marks_have_names_and_are_no_inputs():
    [html] = render("- [ ] wash\n- [x] dry\n- [x]no\n")
    assert html.count('class="task-item"') == 2
    assert '<span class="task" role="img" aria-label="To do">☐</span> wash' in html
    assert '<span class="task" role="img" aria-label="Done">☑</span> dry' in html
    assert "[x]no" in html


@pytest.mark.parametrize(
    "maths", ["$a_1 *b* c_2$", "$$\\sum_{i} *x*$$", "\\(a*b*c\\)", "\\[x_1\n\\\\ y_2\\]"]
)
def test_maths_is_left_as_it_was_typed(maths):
    [html] = render(f"so {maths} holds")
    assert f'<span class="math">{maths}</span>' in html


@pytest.mark.parametrize(
    "text", ["from $5 to $10", "$HOME/$USER", "a $ b $ c", "$5", "$$", "\\(open", "cost: $"]
)
def test_a_dollar_is_not_always_maths(text):
    assert "math" not in html_of(text)


def test_a_link_definition_is_text_since_it_would_change_earlier_blocks():
    assert render("[x]\n\n[x]: https://a.example") == ["<p>[x]</p>\n", "<p>[x]: https://a.example</p>\n"]


def test_newlines_are_kept_where_asked_for():
    assert (render("a\nb", breaks=True), render("a\nb")) == (["<p>a<br>\nb</p>\n"], ["<p>a\nb</p>\n"])


# ---- long and deep text

LONG = {
    "fence": "```python\n" + "value = compute(1, 'x')\n" * 4_200 + "```\n",
    "open fence": "```\n" + "```x\n\n" * 16_000,
    "list": "- an item with **bold** text\n" * 3_500,
    "loose list": "- an item with **bold** text\n\n" * 3_400,
    "loose list of paragraphs": "1. item\n\n   more of it\n\n" * 4_000,
    "list that begins anew": "- a\n\n\n* b\n" * 8_000,
    "table": "a | b\n---|---\n" + "cell *x* | two\n" * 6_600,
    "pipes": "|\n" * 50_000,
    "paragraph without newline": "word and *more* " * 6_200,
    "paragraph of lines": "a line of words\n" * 6_200,
    "paragraph with numbers that start no list": "p\n" + "2. x\n" * 20_000,
    "quote": "> quoted words\n" * 6_600,
    "lazy quote": "> a\nb\n" * 16_000,
    "indented code": "    x = 1\n\n" * 9_000,
    "definitions": "[x]: y\n" * 14_000,
}


@pytest.mark.parametrize("name", LONG)
def test_the_parser_is_given_a_long_text_only_a_few_times_over(name):
    source = LONG[name]
    stream = BlockStream()
    for start in range(0, len(source), 5):
        stream.feed(source[start : start + 5])
    stream.close()
    assert len(source) > 60_000
    assert 0 < stream.parsed_chars < 5 * len(source)


@pytest.mark.parametrize(
    "unit",
    ["[", "![", "*", "_", "`", "~", "<", "&", "$", "\\(", "[a](", "[a](<b", "*a **b ", "> ", "- ", "|", "\\"]
    + ["``` ", "[]()", "<a@", "a**b", "&#x", "\t- a\n", "- a\n  - b\n    - c\n\n", "\0", "é"],
)
def test_monotonous_text_is_rendered_and_harmless(unit):
    source = (unit * 20_000)[:20_000]
    html = html_of(source)
    assert offences(html) == []
    assert len(html) < 100 * len(source)


@pytest.mark.parametrize(
    "source",
    [
        ">" * 500 + " the end",
        "".join("  " * n + "- a\n" for n in range(60)) + "the end",
        "- " * 400 + "the end",
    ],
)
def test_what_is_nested_too_deep_is_shown_as_source_and_not_lost(source):
    html = html_of(source)
    assert "the end" in html
    assert offences(html) == []


def test_a_block_as_long_as_a_book_is_shown_as_source():
    [html] = render("*x* " * 60_000)
    assert html.startswith('<figure class="code">')
    assert html.count("*x*") == 60_000
