"""What is vendored is what the manifest says, licensed, and nothing points to another host."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "static"
VENDOR = STATIC / "vendor"
SUMS = dict(reversed(line.split(maxsplit=1)) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
LISTS = {"SHA256SUMS", "VERSIONS.md"}
# Names of XML namespaces and of licences: read, never fetched.
NAMESPACES = ("http://www.w3.org/",)
ADDRESS = re.compile(r"(?:https?:)?//[a-z0-9][a-z0-9.-]*\.[a-z]{2,}[^\s\"')]*", re.IGNORECASE)


def test_the_manifest_lists_every_vendored_file_and_no_other():
    there = {str(file.relative_to(VENDOR)) for file in VENDOR.rglob("*") if file.is_file()}
    assert there - LISTS == set(SUMS)


@pytest.mark.parametrize(("name", "digest"), SUMS.items())
def test_a_vendored_file_has_the_digest_of_the_manifest(name, digest):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", [name for name in SUMS if not name.startswith("LICENSE")])
def test_a_vendored_file_is_listed_with_version_and_licence_text(name):
    (row,) = [
        line
        for line in (VENDOR / "VERSIONS.md").read_text().splitlines()
        if f"| `{name}" in line or f", `{name}`" in line
    ]
    assert re.search(r"\b\d+\.\d+\.\d+\b", row)
    licence = re.search(r"`(LICENSE\.[a-z]+\.txt)`", row)
    assert licence
    assert licence[1] in SUMS


@pytest.mark.parametrize(
    "file", [file for kind in ("js", "css", "svg") for file in STATIC.rglob(f"*.{kind}")]
)
def test_a_static_file_names_no_other_host_and_no_source_map(file):
    text = file.read_text()
    assert [found for found in ADDRESS.findall(text) if not found.startswith(NAMESPACES)] == []
    assert "sourceMappingURL" not in text


def test_the_fonts_a_page_preloads_stay_small():
    assert (VENDOR / "fonts/geist-latin.woff2").stat().st_size < 60_000
