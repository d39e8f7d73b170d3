"""The Prompts page: folders, filters, the preview, and many prompts at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from playground.library import discussion, labels, prompts, shelves
from playground.library.models import Favourite, Folder, Prompt, Reach

LIST = reverse("library:list")
HTMX = {"HTTP_HX_REQUEST": "true"}


def listed(client: Any, query: str = "") -> str:
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def at_desk(sign_in, owner):
    return sign_in(owner)


def test_without_prompts_the_page_offers_to_write_the_first(at_desk):
    page = listed(at_desk)
    assert "No prompt yet" in page
    assert reverse("library:new") in page


@pytest.mark.parametrize(("headers", "most"), [({}, 20), (HTMX | {"HTTP_HX_TARGET": "prompts"}, 12)])
def test_the_list_costs_the_same_however_much_the_library_holds(at_desk, make, team, owner, headers, most):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert at_desk.get(LIST, **headers).status_code == 200
        return len(queries)

    def add(name: str) -> None:
        folder = shelves.make_folder(team, owner, name)
        prompt = make(name, tags=[name], folder=shelves.make_folder(team, owner, "below", folder))
        labels.point(prompt, name, prompt.head, owner)

    add("one")
    cost()
    first = cost()
    for number in range(5):
        add(f"more{number}")
    assert cost() == first <= most


def test_the_folder_that_is_open_is_marked_and_can_be_changed(at_desk, team, owner):
    top = shelves.make_folder(team, owner, "Top")
    below = shelves.make_folder(team, owner, "Below", top)
    page = listed(at_desk, f"folder={below.pk}&sort=title")
    assert f'href="?folder={below.pk}&amp;sort=title" aria-current="page"' in page
    assert f'href="?folder={top.pk}&amp;sort=title">' in page
    assert f'name="folder" value="{below.pk}"><input type="hidden" name="back"' in page
    assert f'<option value="{below.pk}" selected>Top / Below</option>' in page
    assert "Change this folder" not in listed(at_desk)


def test_a_viewer_is_not_offered_to_write(sign_in, viewer):
    page = listed(sign_in(viewer))
    assert "No prompt yet" in page
    assert reverse("library:new") + '"' not in page.split('id="main"')[1].split("</main>")[0]


def test_a_line_tells_version_labels_tags_and_owner(at_desk, make, save, owner):
    prompt = make("Greeting", tags=["mail"])
    labels.point(prompt, "production", prompt.head, owner)
    save(prompt)
    page = listed(at_desk)
    assert "production · 1" in page
    assert ">mail</span>" in page
    assert '<span class="visually-hidden">version </span>2' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=boat", {"Boats"}),
        ("tag=mail", {"Greeting"}),
        ("label=staging", {"Boats"}),
        ("kind=image", set()),
        ("favourite=1", {"Greeting"}),
        ("archived=1", {"Old"}),
        ("folder=top", {"Greeting"}),
        ("owner=nonsense&sort=nonsense&mark=nonsense", {"Boats", "Greeting"}),
    ],
)
def test_the_address_narrows(at_desk, make, owner, team, query, found):
    greeting = make("Greeting", tags=["mail"])
    boats = make("Boats", folder=shelves.make_folder(team, owner, "Sea"))
    prompts.archive(make("Old"), owner)
    labels.point(boats, "staging", boats.head, owner)
    prompts.favour(greeting, owner)
    page = listed(at_desk, query)
    assert {title for title in ("Greeting", "Boats", "Old") if f"<bdi>{title}</bdi>" in page} == found


def test_htmx_gets_the_list_alone_and_the_address_follows(at_desk, make):
    make("Boats")
    response = at_desk.get(
        f"{LIST}?q=boats&kind=chat", HTTP_HX_TARGET="prompts", HTTP_HX_TRIGGER_NAME="q", **HTMX
    )
    assert "<html" not in response.content.decode()
    assert response.headers["HX-Replace-Url"] == f"{LIST}?q=boats&kind=chat"


def test_the_preview_shows_the_newest_text(at_desk, make, save):
    prompt = make("Greeting")
    save(prompt, "Good evening {{name}}")
    whole = listed(at_desk, f"prompt={prompt.pk}")
    alone = at_desk.get(f"{LIST}?prompt={prompt.pk}", HTTP_HX_TARGET="preview", **HTMX).content.decode()
    for page in (whole, alone):
        assert "Good evening" in page
    assert "<html" not in alone


def test_the_preview_of_what_one_may_not_see_stays_empty(sign_in, mate, make):
    prompt = make("Secret plans", shared=False)
    page = listed(sign_in(mate), f"prompt={prompt.pk}")
    assert "Secret plans" not in page


def test_a_page_leads_to_the_next_one(at_desk, make, monkeypatch):
    monkeypatch.setattr("playground.library.views.PAGE", 2)
    for title in ("One", "Two", "Three"):
        make(title)
    page = listed(at_desk, "sort=title")
    assert "<bdi>One</bdi>" in page and "<bdi>Two</bdi>" not in page
    query = page.split('rel="next" href="?')[1].split('"')[0].replace("&amp;", "&")
    assert "<bdi>Two</bdi>" in listed(at_desk, query)


def test_the_star_is_ones_own(sign_in, make, mate, owner):
    prompt = make()
    response = sign_in(mate).post(reverse("library:star"), {"prompt": prompt.pk})
    assert response.headers["Location"] == reverse("library:prompt", args=[prompt.pk])
    assert list(Favourite.objects.values_list("user", flat=True)) == [mate.pk]
    again = sign_in(mate).post(reverse("library:star"), {"prompt": prompt.pk}, **HTMX)
    assert 'aria-pressed="false"' in again.content.decode()


def test_an_unread_mention_is_told_of(sign_in, make, owner, mate):
    prompt = make("Greeting")
    discussion.say(prompt.head, owner, "Look, @miguel")
    page = listed(sign_in(mate))
    assert "You are mentioned in" in page
    assert "Unread comments" in page


def bulk(client: Any, act: str, *chosen: Prompt, **more: Any) -> Any:
    data = {"act": act, "prompt": [str(prompt.pk) for prompt in chosen], "back": "sort=title"} | more
    return client.post(reverse("library:do"), data, follow=True)


def test_many_are_archived_moved_and_tagged_at_once(at_desk, make, team, owner):
    one, two = make("One"), make("Two")
    folder = shelves.make_folder(team, owner, "Sea")
    response = bulk(at_desk, "move", one, two, folder=str(folder.pk))
    assert response.redirect_chain == [(f"{LIST}?sort=title", 302)]
    assert "Moved: 2 prompts." in response.content.decode()
    bulk(at_desk, "tag", one, two, tag="mail")
    bulk(at_desk, "untag", two, tag="mail")
    bulk(at_desk, "archive", one)
    rows = {prompt.title: prompt for prompt in Prompt.objects.all()}
    assert [rows[name].folder_id for name in ("One", "Two")] == [folder.pk, folder.pk]
    assert [rows[name].tags.count() for name in ("One", "Two")] == [1, 0]
    assert [rows[name].archived_at is None for name in ("One", "Two")] == [False, True]
    bulk(at_desk, "unarchive", one)
    assert Prompt.objects.get(pk=one.pk).archived_at is None


def test_what_one_may_not_change_stays_and_is_named(sign_in, make, mate):
    mine, other = make("Mine", user=mate, shared=False), make("Other")
    Prompt.objects.filter(pk=other.pk).update(team_may=10)
    page = bulk(sign_in(mate), "archive", mine, other).content.decode()
    assert "Archived: 1 prompt. You may not do this to “Other”." in page.replace("&ldquo;", "“")
    assert Prompt.objects.get(pk=other.pk).archived_at is None


def test_deleting_asks_first_and_then_does_it(at_desk, make):
    prompt = make("Greeting")
    asked = bulk(at_desk, "delete", prompt)
    assert "Delete 1 prompt?" in asked.content.decode()
    assert Prompt.objects.filter(pk=prompt.pk).exists()
    bulk(at_desk, "delete", prompt, sure="1")
    assert not Prompt.objects.filter(pk=prompt.pk).exists()


def test_htmx_is_asked_in_the_dialog_before_a_deletion(at_desk, make):
    response = at_desk.post(reverse("library:do"), {"act": "delete", "prompt": str(make().pk)}, **HTMX)
    assert response.headers["HX-Retarget"] == "#prompts-ask"


@pytest.mark.parametrize(("act", "more"), [("tag", {}), ("nonsense", {}), ("move", {})])
def test_an_act_without_what_it_needs_changes_nothing(at_desk, make, act, more):
    prompt = make()
    response = bulk(at_desk, act, *([prompt] if act != "move" else []), **more)
    assert response.status_code == 200
    assert Prompt.objects.get(pk=prompt.pk).tags.count() == 0


def test_a_viewer_does_nothing_to_many(sign_in, viewer, make):
    prompt = make()
    response = sign_in(viewer).post(reverse("library:do"), {"act": "archive", "prompt": str(prompt.pk)})
    assert response.status_code == 403


def folder(client: Any, act: str, **more: Any) -> Any:
    return client.post(reverse("library:folders"), {"act": act} | more, follow=True)


def test_folders_are_made_renamed_and_deleted(at_desk, make, team):
    folder(at_desk, "make", name="Sea")
    sea = Folder.objects.get(team=team, name="Sea")
    folder(at_desk, "make", name="Deep", parent=str(sea.pk))
    prompt = make("Boats", folder=sea)
    page = listed(at_desk, f"folder={sea.pk}")
    assert "Deep" in page and "Change this folder" in page
    folder(at_desk, "rename", folder=str(sea.pk), name="Ocean")
    assert Folder.objects.get(pk=sea.pk).name == "Ocean"
    folder(at_desk, "delete", folder=str(sea.pk))
    assert not Folder.objects.filter(pk=sea.pk).exists()
    assert Prompt.objects.get(pk=prompt.pk).folder is None


def test_a_folder_without_a_name_is_refused_with_a_sentence(at_desk, team):
    assert "A folder needs a name." in folder(at_desk, "make", name=" ").content.decode()
    assert not Folder.objects.filter(team=team).exists()


def test_another_teams_folder_is_not_there(sign_in, stranger, team, owner):
    theirs = shelves.make_folder(team, owner, "Sea")
    response = sign_in(stranger).post(
        reverse("library:folders"), {"act": "rename", "folder": str(theirs.pk), "name": "Mine"}
    )
    assert response.status_code == 404
    assert Folder.objects.get(pk=theirs.pk).name == "Sea"


def test_private_prompts_of_others_are_not_listed(sign_in, make, mate):
    make("Secret plans", shared=False)
    assert Prompt.objects.get().reach == Reach.PRIVATE
    assert "Secret plans" not in listed(sign_in(mate))


def test_the_palette_finds_prompts_that_one_sees(sign_in, make, owner, mate):
    prompt = make("Lighthouse letters", shared=False)
    link = f'href="{reverse("library:prompt", args=[prompt.pk])}"'
    assert link in sign_in(owner).get(reverse("find"), {"q": "lighthouse"}).content.decode()
    assert link not in sign_in(mate).get(reverse("find"), {"q": "lighthouse"}).content.decode()


@pytest.mark.parametrize("query", ["tag=a%00", "label=a%00", "kind=a%00", "q=a%00", "owner=%00", "mark=%00"])
def test_signs_that_no_database_takes_may_stand_in_the_filters(database, at_desk, make, query):
    chosen = {"prompt": str(make().pk)}
    assert at_desk.get(f"{reverse('library:list')}?{query}").status_code == 200
    for data in ({"act": "untag", "tag": "a\0"}, {"act": "tag", "tag": "a\0"}, {"act": "archive"}):
        response = at_desk.post(
            reverse("library:do"), chosen | data | {"back": query}, HTTP_HX_REQUEST="true"
        )
        assert response.status_code == 200
