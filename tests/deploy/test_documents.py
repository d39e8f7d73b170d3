"""What the documents promise, held against the files they speak of."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from playground import settings as product_settings
from tests._servers.processes import ROOT
from tests.deploy.reading import settings_read

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "deploy").glob("*.md"), ROOT / "docs" / "operating.md"], key=str
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def settings_table() -> dict[str, str]:
    """Name -> its default, as the table of operating.md has it."""
    text = (ROOT / "docs" / "operating.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| ([^|]+) \|", text, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a setting stands there twice"
    return dict(rows)


def as_written(default: object) -> str:
    if default == "":
        return "none"
    if isinstance(default, bool):
        return "`yes`" if default else "`no`"
    return f"`{default}`"


def test_the_table_of_settings_is_complete_and_has_nothing_else() -> None:
    assert set(settings_table()) == set(settings_read())


@pytest.mark.parametrize(("name", "default"), sorted(settings_read().items()))
def test_the_table_tells_the_true_default(name: str, default: object) -> None:
    told = settings_table()[name]
    if default is None:
        assert told != "none" or name in {"REDIS_URL"}
    elif name in {"SECRET_KEY", "VAULT_KEYS"}:
        assert told == "made in embedded mode"
    else:
        assert told == as_written(default)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_target_it_names_is_there(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    quoted = re.findall(
        r"`[^`\n]*`|^[^#\n]*#|^```sh\n.*?^```", document.read_text(), re.MULTILINE | re.DOTALL
    )
    used = {target for piece in quoted for target in re.findall(r"\bmake ([a-z]+)\b", piece)}
    assert used <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_management_command_it_names_is_there(document: Path) -> None:
    places = ("*/management/commands/*.py", "playground/*/management/commands/*.py")
    ours = {path.stem for place in places for path in ROOT.glob(place)}
    used = set(re.findall(r"manage(?:\.py)? ([a-z_]+)", document.read_text()))
    assert used - {"migrate", "collectstatic", "check"} <= ours


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_file_it_links_to_is_there(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_file_of_the_repository_it_names_is_there(document: Path) -> None:
    folders = "playground|accounts|templates|static|tests|deploy|docs|requirements"
    names = re.findall(rf"`((?:{folders})/[\w./-]*)`", document.read_text())
    missing = {name for name in names if not (ROOT / name).exists()}
    # Made by whoever follows the steps.
    assert {name for name in missing if not name.startswith("deploy/secrets/")} == set()


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.name != "operating.md"], ids=named)
def test_every_setting_it_names_is_one(document: Path) -> None:
    named_there = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b", document.read_text()))
    others = {"REQUIRE_ALL"}
    assert {
        name for name in named_there - others if name.removesuffix("_FILE") not in settings_read()
    } == set()


def test_the_licence_is_the_one_the_project_declares() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "MIT"
    assert text.startswith("MIT License\n\nCopyright (c) 2026 AnyInt Playground contributors\n")


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] == PROJECT["version"]


def test_the_readme_names_the_oldest_python_that_is_fit() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text()


def test_the_readme_counts_the_published_addresses_of_the_gateway_rightly() -> None:
    public = [url for url in product_settings.gateway_urls() if url.startswith("https://")]
    assert len(public) == 2
    assert "the two published AnyInt hosts" in (ROOT / "docs" / "operating.md").read_text()
