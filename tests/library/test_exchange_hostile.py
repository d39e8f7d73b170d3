"""Files that are broken or meant ill are refused with the line that is wrong, and cost little."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from playground.library import exchange
from playground.library.exchange import LARGEST, Complaint, native


def refused(text: str | bytes, name: str = "") -> list[Complaint]:
    data = text if isinstance(text, bytes) else text.encode()
    found = exchange.parse(data, name)
    assert found.complaints, "this must be refused"
    return found.complaints


OWN = f'{{"format": "{native.FORMAT}",\n"version": 1,\n"prompts": [\n%s\n]}}'
GOOD = '{"slug": "a", "title": "A", "kind": "chat", "versions": [{"body": {}}]}'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"a":\n[1,\n}', 3, "no JSON"),
        ("[" * 100_000, 1, "deeper than 60"),
        ('{"x":\n' + "[" * 61 + "]" * 61 + "}", 2, "deeper than 60"),
        ('[\n{"name": NaN}]', 2, "no such number"),
        ('[\n"NaN",\n-Infinity]', 3, "no such number"),
        ("[\n1" + "0" * 5000 + "]", 2, "no such number"),
        ("[" + "1," * 1_000_001 + "1]", 1, "more than 1,000,000 values"),
        ('{"hello": 1}', 1, "none of the formats"),
        ("[]", 1, "none of the formats"),
        ("   \n", 0, "empty"),
        (OWN % '{"slug": 3}', 4, "“kind” is missing"),
        (
            OWN % (GOOD + ',\n{"slug": 3, "title": "B", "kind": "chat", "versions": [{"body": {}}]}'),
            5,
            "must be a text",
        ),
        (OWN % GOOD.replace("{}", "\n[]"), 5, "“body” must be an object, not a list"),
        (OWN % GOOD.replace('"chat"', '"opera"'), 4, "“kind” must be one of"),
        (OWN % GOOD.replace('{"body": {}}', ""), 4, "needs a version"),
        (OWN % GOOD.replace('{"body": {}}', '{"body": {},\n"created_at": "soon"}'), 5, "must be a time"),
        (OWN % GOOD.replace('{"body": {}}', '{"body": {},\n"labels": ["a",\n1]}'), 6, "must be a text"),
        (OWN % (GOOD + ",\n" + GOOD), 5, "two prompts “a”"),
        ((OWN % GOOD).replace('"version": 1', '"version": 9'), 2, "version 9 of the format"),
        (OWN % "", 0, "holds no prompt"),
        ('[{"name": "a", "prompt":\n3, "version": 1}]', 2, "must be a text or a list"),
        ('[{"name": "a", "prompt": [{"role": "user",\n"content": []}]}]', 2, "“content” must be a text"),
        ('[{"name": "a", "prompt": "x",\n"version": "two"}]', 2, "must be a whole number"),
        ('[{"command": "/a", "content":\n{}}]', 2, "must be a text"),
        ('[{"command": "/a", "content": "x", "title":\n[]}]', 2, "must be a text"),
        ('[{"command": "/a", "content": "x"},\n7]', 2, "must be an object"),
        ('{"id": "pmpt_1", "instructions":\n7}', 2, "must be a text or a list"),
        ('{"id": "pmpt_1", "instructions": "x", "variables":\n7}', 2, "must be an object"),
    ],
)
def test_json_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    (complaint,) = refused(text, "x.json")
    assert words in complaint.sentence
    assert complaint.line == line


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("---\ntitle: a\n", 1, "no second line"),
        ("---\ntitle: [a\n---\n", 3, "no YAML"),
        ("---\ntitle: a\ntags: &x [a]\nfolder: *x\n---\nHi", 4, "aliases"),
        ("---\ntitle: a\nevil: !!python/object/apply:os.system [ls]\n---\nHi", 3, "no YAML"),
        ("---\n" + "a: " + "[" * 2000 + "\n---\n", 2, "deeper"),
        ("---\ntitle: a\nlabels:\n  - a\n  - 3\n---\nHi", 5, "must be a text"),
        ("---\ntitle:\n  - a\n---\nHi", 3, "must be a text"),
        ("---\ntitle: a\nkind: opera\n---\nHi", 3, "must be one of"),
        ("---\ntitle: a\nx: .nan\n---\nHi", 2, "JSON cannot say"),
        ("---\nx: " + "a" * 400_001 + "\n---\nHi", 2, "longer than"),
        ("---\n- a\n---\nHi", 2, "must be an object"),
    ],
)
def test_markdown_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    (complaint,) = refused(text, "x.md")
    assert words in complaint.sentence
    assert complaint.line == line


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("what,ever\n1,2\n", 1, "must name the columns"),
        ("title,prompt,colour\n", 1, "no column “colour”"),
        ("title,prompt,title\n", 1, "same name"),
        ('title,prompt\na,"b\nc\n', 3, "no CSV"),
        ("title,prompt\na,b\n,c\n", 3, "“title” is missing"),
        ("title,prompt\na,b,c\n", 2, "3 cells"),
        ('title,prompt\n"a\nb",c\nd,\n', 4, "neither a prompt nor a body"),
        ("title,prompt,kind\na,b,opera\n", 2, "must be one of"),
        ('title,body\na,"{""a"": }"\n', 2, "no JSON"),
        ("title,body\na,[1]\n", 2, "must be a JSON object"),
        ("title,prompt,created_at\na,b,soon\n", 2, "must be a time"),
        ("title,prompt\n", 0, "holds no prompt"),
    ],
)
def test_csv_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    (complaint,) = refused(text, "x.csv")
    assert words in complaint.sentence
    assert complaint.line == line


def test_what_is_too_large_is_refused_unread() -> None:
    assert "larger than 10 MB" in refused(b"[" * (LARGEST + 1))[0].sentence


def test_what_is_no_text_is_refused_with_its_line() -> None:
    (complaint,) = refused(b"[\n\n\xff]", "x.json")
    assert (complaint.line, complaint.sentence) == (3, "This is not text in UTF-8.")
    assert "none of the formats" in refused(b"x", "picture.exe")[0].sentence


def test_every_wrong_prompt_of_a_file_is_told() -> None:
    rows = ",\n".join(
        ['{"name": "a", "prompt": "x"}', '{"name": "b", "prompt": 1}', '{"name": 3, "prompt": "x"}']
    )
    assert [one.line for one in refused(f"[{rows}]", "x.json")] == [2, 3]
    many = ",\n".join('{"name": "b", "prompt": 1}' for _ in range(200))
    assert len(refused(f"[{many}]", "x.json")) == 50


def test_too_many_prompts_are_refused() -> None:
    rows = [{"command": f"/{place}", "content": "x"} for place in range(exchange.MOST_PROMPTS + 1)]
    assert "at most 2,000 prompts" in refused(json.dumps(rows), "x.json")[0].sentence


def test_a_zip_bomb_is_not_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.md", b"x" * (LARGEST * 5))
    assert len(out.getvalue()) < 100_000
    assert "holds more than 10 MB" in refused(out.getvalue(), "x.zip")[0].sentence


def test_a_broken_zip_and_what_is_wrong_inside_one_are_told() -> None:
    assert "cannot be read" in refused(b"PK\x03\x04 and nothing")[0].sentence
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("good.md", "Hello")
        archive.writestr("bad.json", '[\n{"name": 3, "prompt": "x"}]')
    (complaint,) = refused(out.getvalue(), "x.zip")
    assert (complaint.file, complaint.line) == ("bad.json", 2)


@given(some.binary(max_size=200), some.sampled_from(["", "x.json", "x.md", "x.csv", "x.zip"]))
def test_no_file_breaks_the_reader(data: bytes, name: str) -> None:
    found = exchange.parse(data, name)
    assert found.prompts or found.complaints


JSONS = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=10),
    lambda inner: some.lists(inner, max_size=3),
    max_leaves=5,
)
NAMES = (
    "name", "prompt", "command", "content", "title", "id", "version", "versions", "labels", "tags", "config",
    "variables", "instructions", "messages", "model", "tools", "text", "created_at", "timestamp", "role",
    "type", "reasoning",
)  # fmt: skip
FIELDS = some.dictionaries(
    some.sampled_from(NAMES),
    some.deferred(lambda: VALUES),
    max_size=5,
)
VALUES: some.SearchStrategy[Any] = JSONS | FIELDS | some.lists(FIELDS, max_size=2) | some.just("pmpt_1")


@given(
    FIELDS,
    some.sampled_from([{"name": "a", "prompt": "x"}, {"command": "a", "content": "x"}, {"id": "pmpt_a"}]),
)
def test_wrong_types_anywhere_are_complaints_and_no_crash(odd: dict[str, Any], good: dict[str, Any]) -> None:
    found = exchange.parse(json.dumps([good | odd], allow_nan=False).encode(), "x.json")
    assert found.prompts or found.complaints
