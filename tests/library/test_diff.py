"""Differences are complete, minimal to the word, and never take long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playground.library import diff, kinds
from playground.library.diff import Bit, Row
from playground.library.kinds import Section

TEXT = st.text(alphabet="ab \n\r\u2028", max_size=60)


def side(rows: list[Row], name: str) -> str:
    shown = [row for row in rows if getattr(row, f"{name}_number") is not None]
    assert [getattr(row, f"{name}_number") for row in shown] == list(range(1, len(shown) + 1))
    return "\n".join("".join(bit.text for bit in getattr(row, name)) for row in shown)


@given(TEXT, TEXT)
def test_each_side_is_the_whole_text(old, new):
    rows = diff.lines(old, new)
    assert (side(rows, "old"), side(rows, "new")) == (old, new)
    assert all(row.kind == "same" for row in rows) == (old == new)


@given(TEXT, TEXT)
def test_what_is_not_marked_is_on_both_sides(old, new):
    for row in diff.lines(old, new):
        kept = ["".join(bit.text for bit in bits if not bit.changed) for bits in (row.old, row.new)]
        assert kept[0] == kept[1]


@given(TEXT, TEXT)
def test_one_column_holds_every_line_of_both_once(old, new):
    rows = diff.inline(diff.lines(old, new))
    assert "\n".join("".join(b.text for b in row.new) for row in rows if row.kind != "removed") == new
    assert "\n".join("".join(b.text for b in (row.old)) for row in rows if row.kind != "added") == old


@given(TEXT, TEXT, st.integers(0, 3))
def test_folding_hides_equal_lines_only_and_counts_them(old, new, context):
    rows = diff.lines(old, new)
    folded = diff.folded(rows, context)
    hidden = sum(row.hidden for row in folded)
    assert hidden + sum(row.kind != "gap" for row in folded) == len(rows)
    assert [row for row in folded if row.kind not in ("same", "gap")] == [
        row for row in rows if row.kind != "same"
    ]


def test_words_are_marked_within_a_line():
    (row,) = diff.lines("Write a short letter.", "Write a long letter.")
    assert row == Row(
        "changed",
        1,
        1,
        (Bit("Write a "), Bit("short", True), Bit(" letter.")),
        (Bit("Write a "), Bit("long", True), Bit(" letter.")),
    )


def test_lines_with_little_in_common_are_marked_whole():
    (row,) = diff.lines("one two three", "vier, fünf; sechs!")
    assert (row.old, row.new) == ((Bit("one two three", True),), (Bit("vier, fünf; sechs!", True),))


def test_unequal_numbers_of_lines_leave_a_side_empty():
    assert [row.kind for row in diff.lines("a\nb", "a\nb\nc\nd")] == ["same", "same", "added", "added"]
    assert [row.kind for row in diff.lines("a\nb", "")] == ["removed", "removed"]
    assert diff.lines("", "") == []


def test_pieces_are_paired_by_key_and_what_went_stands_where_it_stood():
    old = [Section("system", "System", "s"), Section("tools", "Tools", "[]", True), Section("m", "User", "a")]
    new = [
        Section("system", "System", "s"),
        Section("m", "User", "b"),
        Section("schema", "Schema", "{}", True),
    ]
    pieces = diff.compare(old, new)
    assert [(piece.key, piece.state, piece.code) for piece in pieces] == [
        ("system", "same", False),
        ("tools", "removed", True),
        ("m", "changed", False),
        ("schema", "added", True),
    ]
    assert pieces[0].rows == [Row("gap", hidden=1)]
    assert [row.kind for row in pieces[2].inline] == ["removed", "added"]


def test_long_equal_parts_are_folded_around_changes():
    old = [f"line {place}" for place in range(100)]
    new = [*old[:50], "new", *old[50:]]
    (piece,) = diff.compare([Section("m", "M", "\n".join(old))], [Section("m", "M", "\n".join(new))])
    assert [row.kind for row in piece.rows] == [
        "gap",
        "same",
        "same",
        "same",
        "added",
        "same",
        "same",
        "same",
        "gap",
    ]
    assert [row.hidden for row in piece.rows if row.kind == "gap"] == [47, 47]
    assert (
        len(diff.compare([Section("m", "M", "\n".join(old))], [Section("m", "M", "a")], None)[0].rows) == 100
    )


def test_texts_too_long_to_compare_line_by_line_are_still_shown_whole():
    old, new = "a\n" * 5_000, "b\n" * 5_000
    rows = diff.lines(old, new)
    assert (side(rows, "old"), side(rows, "new")) == (old, new)
    assert {row.kind for row in diff.lines(old, old)} == {"same"}
    (row,) = diff.lines("a " * 2_000, "a " * 2_000 + "b")
    assert [bit.changed for bit in (*row.old, *row.new)] == [True, True]


def test_everything_of_a_body_is_compared_tools_schema_and_variables_too():
    old = {
        "variables": [{"name": "a"}],
        "messages": [{"role": "user", "text": "Hi {{a}}"}],
        "settings": {
            "system": "Be kind",
            "model": "m1",
            "tools": {"list": [{"name": "t"}]},
            "schema": {"on": False},
        },
    }
    new = {
        "variables": [{"name": "b"}],
        "messages": [{"role": "user", "text": "Hi {{b}}"}, {"role": "assistant", "text": "Hello"}],
        "settings": {"system": "Be kind", "model": "m2", "tools": {"list": []}, "schema": {"on": True}},
    }
    pieces = diff.compare(kinds.parts_of("unheard of", old), kinds.parts_of("unheard of", new))
    assert {piece.key: piece.state for piece in pieces} == {
        "system": "same",
        "messages.0": "changed",
        "messages.1": "added",
        "model": "changed",
        "tools": "changed",
        "schema": "changed",
        "variables": "changed",
    }
    assert {piece.key for piece in pieces if piece.code} == {"tools", "schema", "variables"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_body_of_any_shape_can_be_shown(anything):
    for body in ({"messages": anything}, {"settings": anything, "variables": anything}, {"x": anything}):
        diff.compare(kinds.parts_of("", body), kinds.parts_of("", {}))
