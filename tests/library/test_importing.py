"""Importing: a dry run says what would happen, a taken name is asked about, and then all or nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEvent, Membership, Role, Team, User
from playground.library import drafting, exchange, labels, plans, prompts, shelves, versions
from playground.library.exchange import LARGEST, Draft, DraftVersion
from playground.library.models import Prompt
from tests.library.conftest import Make, Save, chat

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def page(client: Client, owner: User, team: Team) -> Client:
    client.force_login(owner)
    return in_team(client, team)


def in_team(client: Client, team: Team) -> Client:
    """The client of somebody who is signed in, with the team as the one in use."""
    session = client.session
    session["team"] = str(team.pk)
    session.save()
    return client


def given(page: Client, content: bytes | str, name: str = "x.json") -> Any:
    """The dry run of a file."""
    data = content if isinstance(content, bytes) else content.encode()
    return page.post("/prompts/import/", {"file": SimpleUploadedFile(name, data)})


def take(page: Client, shown: Any, **choices: str) -> Any:
    token = re.search(r'name="token" value="([^"]+)"', shown.content.decode())
    assert token
    return page.post("/prompts/import/take", {"token": token[1]} | choices)


def own(*drafts: Draft) -> bytes:
    return exchange.write(drafts, "json")[0]


def draft(text: str, slug: str = "greeting", **options: Any) -> Draft:
    return Draft(slug, slug.capitalize(), (DraftVersion(chat(text)),), **options)


FILES = ("langfuse.json", "open_webui.json", "openai.json", "prompt.md", "prompts.csv")


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_product_is_shown_and_then_taken(page: Client, team: Team, name: str) -> None:
    content = (SAMPLES / name).read_bytes()
    shown = given(page, content, name)
    assert shown.status_code == 200
    assert "Refused" not in shown.content.decode()
    assert Prompt.objects.count() == 0
    take(page, shown, reach="team")
    drafts = exchange.parse(content, name).prompts
    assert Prompt.objects.filter(team=team, reach="team").count() == len(drafts) > 0
    for each in drafts:
        prompt = Prompt.objects.get(slug=each.slug)
        assert prompt.versions.count() == len(each.versions)
        assert sorted(tag.name for tag in prompt.tags.all()) == sorted(each.tags)
    again = given(page, content, name)
    assert again.context["counts"] == {"new": 0, "same": len(drafts), "conflict": 0}


def test_our_own_export_imports_into_another_team_exactly(
    page: Client, make: Make, save: Save, owner: User, mate: User, team: Team
) -> None:
    parent = shelves.make_folder(team, owner, "Letters")
    prompt = make(
        about="For guests", tags=["a", "b"], folder=shelves.make_folder(team, owner, "Short", parent)
    )
    save(prompt, user=mate, note="kinder")
    save(prompt, "Third {{name}}")
    labels.point(prompt, "production", prompt.versions.get(number=2), owner)
    content = page.post("/prompts/export/", {"format": "json"}).content
    other = Team.objects.create(name="Other", slug="other")
    Membership.objects.create(team=other, user=owner, role=Role.MEMBER)
    plans.apply(other, owner, exchange.parse(content).prompts, {}, shared=True)
    assert exchange.write(drafting.drafts_of(other, owner), "json")[0] == content
    there = Prompt.objects.get(team=other)
    assert there.head is not None and there.head.digest == prompt.versions.get(number=3).digest
    assert there.versions.get(number=2).written_by == str(mate)


def test_a_taken_name_is_asked_about_and_left_alone_by_itself(page: Client, make: Make) -> None:
    prompt = make(text="Ours")
    shown = given(page, own(draft("Theirs"), draft("Other", "other")))
    assert shown.context["counts"] == {"new": 1, "same": 0, "conflict": 1}
    take(page, shown)
    assert [version.body for version in prompt.versions.all()] == [chat("Ours")]
    assert Prompt.objects.filter(slug="other").exists()


def test_a_taken_name_may_get_the_new_versions(page: Client, make: Make, owner: User) -> None:
    prompt = make(text="Ours")
    labels.point(prompt, "production", prompt.versions.get(), owner)
    both = (DraftVersion(chat("Ours")), DraftVersion(chat("Theirs"), labels=("production", "beta")))
    shown = given(page, own(Draft("greeting", "Greeting", both)))
    assert "Add 1 version to it" in shown.content.decode()
    take(page, shown, **{"choice-0": "version"})
    assert [version.body for version in prompt.versions.order_by("number")] == [chat("Ours"), chat("Theirs")]
    pointed = {label.name: label.version.number for label in prompt.labels.all()}
    assert pointed == {"production": 1, "beta": 2}
    assert "stays where it was" in page.get("/prompts/").content.decode()


def test_a_taken_name_may_be_imported_as_another_prompt(page: Client, make: Make) -> None:
    make(text="Ours")
    take(page, given(page, own(draft("Theirs"))), **{"choice-0": "copy"})
    copy = Prompt.objects.get(slug="greeting-2")
    assert copy.head is not None and copy.head.body == chat("Theirs")


def test_who_may_only_see_a_prompt_cannot_add_versions_to_it(
    page: Client, make: Make, mate: User, owner: User
) -> None:
    prompt = make(text="Ours", user=mate)
    prompt.team_may = 10
    prompt.save()
    Membership.objects.filter(team=prompt.team, user=owner).update(role=Role.MEMBER)
    shown = given(page, own(draft("Theirs")))
    assert "Add 1 version" not in shown.content.decode()
    take(page, shown, **{"choice-0": "version"})
    assert prompt.versions.count() == 1


def test_a_prompt_that_is_hidden_from_me_is_not_told_of(page: Client, make: Make, mate: User) -> None:
    hidden = make(text="Secret", user=mate, shared=False)
    shown = given(page, own(draft("Mine")))
    assert shown.context["counts"]["new"] == 1
    assert str(hidden.pk) not in shown.content.decode()
    take(page, shown)
    assert Prompt.objects.get(slug="greeting-2").versions.count() == 1


def test_a_body_that_does_not_fit_is_refused_in_the_dry_run(page: Client) -> None:
    bad = Draft("bad", "Bad", (DraftVersion({"messages": [{"role": "robot", "text": "x"}]}),))
    shown = given(page, own(bad, draft("Good", "good")))
    text = shown.content.decode()
    assert "Refused" in text and "messages.0.role" in text
    take(page, shown)
    assert [prompt.slug for prompt in Prompt.objects.all()] == ["good"]


def test_a_protected_label_is_not_set_by_a_file(page: Client, team: Team, owner: User) -> None:
    labels.protect(team, "production", owner, needs_role=None, needs_review=True)
    version = DraftVersion(chat("Hi"), labels=("production",))
    take(page, given(page, own(Draft("greeting", "Greeting", (version,)))))
    assert Prompt.objects.get().labels.count() == 0
    assert "is protected" in page.get("/prompts/").content.decode()


def test_what_is_wrong_with_a_file_is_told_with_its_line(page: Client) -> None:
    response = given(page, '[\n{"name": 3, "prompt": "x"}]')
    assert response.status_code == 422
    assert "line 2" in response.content.decode()
    pasted = page.post("/prompts/import/", {"pasted": "---\ntitle: a\n<script>"})
    assert pasted.status_code == 422
    assert "&lt;script&gt;" in pasted.content.decode(), "what was pasted is still there"
    assert page.post("/prompts/import/").status_code == 422


def test_a_file_that_is_too_large_is_refused(page: Client) -> None:
    response = given(page, b" " * (LARGEST + 1))
    assert response.status_code == 422
    assert "larger than 10 MB" in response.content.decode()


def test_the_dry_run_of_somebody_else_cannot_be_taken(page: Client, mate: User, team: Team) -> None:
    shown = given(page, own(draft("Hi")))
    other = Client()
    other.force_login(mate)
    in_team(other, team)
    assert take(other, shown).status_code == 422
    assert page.post("/prompts/import/take", {"token": "guessed"}).status_code == 422
    assert Prompt.objects.count() == 0
    take(page, shown)
    assert take(page, shown).status_code == 422, "once is enough"
    assert Prompt.objects.count() == 1


def test_a_viewer_imports_nothing(page: Client, owner: User, team: Team) -> None:
    Membership.objects.filter(team=team, user=owner).update(role=Role.VIEWER)
    assert page.get("/prompts/import/").status_code == 403
    assert given(page, own(draft("Hi"))).status_code == 403
    assert page.post("/prompts/import/take").status_code == 403


def test_an_import_and_an_export_are_audited(page: Client, team: Team) -> None:
    take(page, given(page, own(draft("Hi"))))
    page.post("/prompts/export/", {"format": "csv"})
    verbs = list(AuditEvent.objects.filter(team=team).values_list("verb", flat=True))
    assert {"prompt.import", "prompt.export"} <= set(verbs)


def test_an_import_that_fails_midway_leaves_nothing(
    team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt = versions.adopt

    def failing(prompt: Prompt, *rest: Any, **options: Any) -> Any:
        if prompt.slug == "second":
            raise versions.Invalid([])
        return adopt(prompt, *rest, **options)

    monkeypatch.setattr(versions, "adopt", failing)
    with pytest.raises(versions.Invalid):
        plans.apply(team, owner, [draft("a", "first"), draft("b", "second")], {}, shared=False)
    assert Prompt.objects.count() == 0


def test_an_export_holds_what_the_person_sees_and_nothing_else(
    page: Client, make: Make, mate: User, owner: User
) -> None:
    mine = make("Mine", shared=False)
    make("Theirs", user=mate, shared=False)
    prompts.archive(make("Old"), owner)
    response = page.post("/prompts/export/", {"format": "json"})
    assert response.headers["Content-Disposition"].startswith("attachment; ")
    assert [each.slug for each in exchange.parse(response.content).prompts] == ["mine"]
    chosen = page.post("/prompts/export/", {"format": "markdown", "prompt": [str(mine.pk)]})
    assert chosen.content.startswith(b"---\ntitle: Mine\n")
    assert page.post("/prompts/export/", {"format": "exe"}).status_code == 404
    assert page.get("/prompts/export/", {"prompt": "x"}).status_code == 404


def test_an_export_goes_on_behind_a_batch(
    make: Make, team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "BATCH", 2)
    for number in range(5):
        make(f"Prompt {number}")
    assert [each.slug for each in drafting.drafts_of(team, owner)] == [f"prompt-{each}" for each in range(5)]


def test_the_number_of_queries_of_a_dry_run_does_not_grow_with_the_file(
    team: Team, owner: User, django_assert_max_num_queries: Any
) -> None:
    drafts = [draft("Hi {{name}}", f"p{number}") for number in range(50)]
    with django_assert_max_num_queries(6):
        assert len(plans.plan(team, owner, drafts)) == 50


def test_chosen_prompts_are_exported_from_the_list(page: Client, make: Make) -> None:
    chosen = [make("One"), make("Two")]
    make("Three")
    given_ids = {"act": "export", "prompt": [str(prompt.pk) for prompt in chosen]}
    shown = page.post("/prompts/do", given_ids, follow=True)
    assert "Export 2 prompts" in shown.content.decode()
    by_htmx = page.post("/prompts/do", given_ids, headers={"HX-Request": "true"})
    assert by_htmx.headers["HX-Redirect"].startswith("/prompts/export/?prompt=")
    content = page.post("/prompts/export/", {"format": "json", "prompt": shown.context["chosen"]}).content
    assert [each.slug for each in exchange.parse(content).prompts] == ["one", "two"]


def test_a_token_of_any_signs_is_answered(page: Client) -> None:
    given(page, own(draft("Hello")))
    assert page.post("/prompts/import/take", {"token": "é"}).status_code == 422
    assert not Prompt.objects.exists()


def test_of_two_clicks_one_imports(page: Client, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make(text="Ours")
    shown = given(page, own(draft("Theirs")))
    second: list[Any] = []
    apply = plans.apply

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        """The second click comes while the first is at work."""
        monkeypatch.setattr(plans, "apply", apply)
        second.append(take(page, shown, **{"choice-0": "copy"}))
        return apply(*arguments, **options)

    monkeypatch.setattr(plans, "apply", meanwhile)
    assert take(page, shown, **{"choice-0": "copy"}).status_code == 302
    assert second[0].status_code == 422
    assert sorted(Prompt.objects.values_list("slug", flat=True)) == ["greeting", "greeting-2"]


def test_what_the_dry_run_refused_or_did_not_offer_is_not_taken_by_asking_for_it(
    database: str, page: Client, make: Make, mate: User
) -> None:
    prompt = make(text="Ours", user=mate)
    Prompt.objects.filter(pk=prompt.pk).update(team_may=10)
    Membership.objects.filter(team=prompt.team, user=page_user(page)).update(role=Role.MEMBER)
    wrong = Draft("wrong", "Wrong", (DraftVersion(chat("Hello {{> wrong}}")),))
    shown = given(page, own(draft("Theirs"), draft("Ours", "other"), wrong))
    assert [line.outcome for line in shown.context["lines"]] == ["conflict", "new", "refused"]
    choices = {"choice-0": "version", "choice-2": "new", "choice-7": "copy", "choice-x": "copy"}
    assert take(page, shown, **choices).status_code == 302
    assert [version.body for version in prompt.versions.all()] == [chat("Ours")]
    assert sorted(Prompt.objects.values_list("slug", flat=True)) == ["greeting", "other"]


def page_user(page: Client) -> User:
    return User.objects.get(pk=page.session["_auth_user_id"])


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_year_that_not_every_zone_can_say_is_refused_with_its_line(page: Client, at: str) -> None:
    text = (
        '{"format": "%s", "version": 1, "prompts": [{"slug": "a", "title": "A", "kind": "chat", "versions":\n'
    )
    text += '[{"body": {"messages": [{"role": "user", "text": "x"}]}, "created_at": "%s"}]}]}'
    refused = given(page, text % (exchange.native.FORMAT, at))
    assert refused.status_code == 422
    assert [each.line for each in refused.context["complaints"]] == [2]
