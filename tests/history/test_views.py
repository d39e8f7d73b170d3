"""The pages of History and what people do there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, GatewayKey, Team, User
from playground.chat import sharing
from playground.chat.models import Conversation, Run
from playground.history import removing
from playground.history.models import Entry, Rating, Removal, Share, View
from playground.library import kinds
from playground.media.models import MediaTask
from playground.ops.models import UsageRecord
from playground.usage import prices

LIST = "/history/"
SignIn = Callable[[User], Client]


def body_of(response: Any) -> str:
    async def collect() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(collect)().decode()


def test_the_list_shows_what_ran_with_its_facts(
    sign_in: SignIn, owner: User, mate: User, team: Team, answered: Any, made: Any
) -> None:
    run = answered(owner, "where is the lighthouse", "On the cliff")
    made(mate, "a boat in a storm")
    prices.enter(team, owner, run.family, run.model, timezone.now() - timedelta(days=1),
                 prices.Figures(input=2, output=10))  # fmt: skip
    UsageRecord.objects.create(
        team=team, user=owner, subject=f"run:{run.pk}", family=run.family, model=run.model,
        outcome="finished", input_tokens=100, output_tokens=20, at=timezone.now(),
    )  # fmt: skip
    page = sign_in(owner).get(LIST).content.decode()
    for words in ("where is the lighthouse", "On the cliff", "a boat in a storm", "gpt-4.1", "120", "1.50 s",
                  "0.0004 USD", "unknown", "Done"):  # fmt: skip
        assert words in page


def test_a_search_marks_the_words_in_question_and_answer(sign_in: SignIn, owner: User, answered: Any) -> None:
    answered(owner, "where is the lighthouse", "It stands on the cliff")
    client = sign_in(owner)
    assert "<mark>lighthouse</mark>" in client.get(LIST, {"q": "lighthouse"}).content.decode()
    assert "<mark>cliff</mark>" in client.get(LIST, {"q": "cliff"}).content.decode()
    assert "Nothing fits" in client.get(LIST, {"q": "xylophone"}).content.decode()


def test_a_private_chat_is_in_its_owners_list_alone(
    sign_in: SignIn, owner: User, mate: User, viewer: User, stranger: User, answered: Any
) -> None:
    run = answered(owner, "secret plans")
    for person, seen in ((owner, True), (mate, False), (viewer, False), (stranger, False)):
        client = sign_in(person)
        assert ("secret plans" in client.get(LIST).content.decode()) is seen
        assert "secret plans" in client.get(LIST, {"q": "secret"}).content.decode() or not seen
        place = reverse("history:show", args=[run.pk])
        assert client.get(place).status_code == (200 if seen else 404)
    sharing.set_shared(run.conversation, owner, shared=True)
    assert "secret plans" in sign_in(mate).get(LIST).content.decode()
    assert "secret plans" not in sign_in(stranger).get(LIST).content.decode()


def test_the_page_costs_as_many_queries_with_one_line_as_with_forty(
    sign_in: SignIn, owner: User, answered: Any, made: Any
) -> None:
    client = sign_in(owner)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST, {"show": "table"}).status_code == 200
        return len(captured)

    def more(count: int) -> None:
        for number in range(count):
            task = made(owner, f"boat {number}")
            Rating.objects.create(team=task.team, kind="media", subject=task.pk, value=1, by=owner)
            answered(owner, f"question {number}")

    more(1)
    queries()
    few = queries()
    more(20)
    assert queries() == few <= 40


@pytest.mark.parametrize("name", ["json", "jsonl", "csv", "md"])
def test_an_export_holds_what_was_chosen_or_all_that_is_filtered(
    name: str, sign_in: SignIn, owner: User, mate: User, answered: Any, made: Any
) -> None:
    run, other = answered(owner, "=HYPERLINK(1)", "fine"), answered(mate, "not yours")
    task = made(mate, "a boat")
    client = sign_in(owner)
    sent = client.post(reverse("history:do"), {"act": f"export-{name}", "line": [run.pk, other.pk]})
    chosen = body_of(sent)
    assert str(run.pk) in chosen
    assert str(other.pk) not in chosen
    assert "HYPERLINK" in chosen
    whole = body_of(
        client.post(reverse("history:do"), {"act": f"export-{name}", "all": "1", "back": "kind=media"})
    )
    assert str(task.pk) in whole
    assert str(run.pk) not in whole
    if name == "json":
        assert [row["asked"] for row in json.loads(chosen)] == ["=HYPERLINK(1)"]
    if name == "jsonl":
        assert json.loads(chosen)["answered"] == "fine"
    if name == "csv":
        assert "'=HYPERLINK" in chosen
    assert AuditEvent.objects.filter(verb="history.export", actor=owner).count() == 2


def test_an_export_of_nothing_is_still_a_whole_file(sign_in: SignIn, owner: User) -> None:
    sent = sign_in(owner).post(reverse("history:do"), {"act": "export-json", "all": "1", "back": ""})
    assert json.loads(body_of(sent)) == []


def delete(client: Client, *subjects: Any, **more: str) -> Any:
    return client.post(reverse("history:do"), {"act": "delete", "line": subjects} | more)


def test_what_is_deleted_can_be_undone_and_goes_later(
    sign_in: SignIn, owner: User, answered: Any, made: Any
) -> None:
    run = answered(owner, "to be deleted")
    second = answered(owner, "in the same chat", chat=run.conversation)
    task = made(owner, "a boat")
    record = UsageRecord.objects.create(
        team=task.team, subject=f"task:{task.pk}", family="kling", model="m", outcome="done"
    )
    client = sign_in(owner)
    asked = delete(client, run.pk, task.pk).content.decode()
    assert "Delete 3 lines?" in asked
    assert Entry.objects.filter(hidden=None).count() == 3
    delete(client, run.pk, task.pk, sure="1")
    page = client.get(LIST).content.decode()
    assert "to be deleted" not in page
    assert "Undo" in page
    removal = Removal.objects.get()
    client.post(reverse("history:undo"), {"removal": removal.pk})
    assert "to be deleted" in client.get(LIST).content.decode()
    assert not Removal.objects.exists()
    delete(client, run.pk, task.pk, sure="1")
    removing.sweep(timezone.now())
    assert Run.objects.filter(pk__in=[run.pk, second.pk]).count() == 2
    removing.sweep(timezone.now() + removing.GRACE)
    assert not Entry.objects.exists()
    assert not Conversation.objects.exists()
    assert not MediaTask.objects.exists()
    assert UsageRecord.objects.filter(pk=record.pk).exists()
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"history.delete", "history.undo", "chat.delete", "task.delete"} <= verbs


def test_an_undo_that_comes_too_late_says_so(sign_in: SignIn, owner: User, made: Any) -> None:
    task = made(owner)
    client = sign_in(owner)
    delete(client, task.pk, sure="1")
    Removal.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    page = client.post(
        reverse("history:undo"), {"removal": Removal.objects.get().pk}, follow=True
    ).content.decode()
    assert "too late" in page


def test_what_is_not_ones_own_stays_and_it_is_said_why(
    sign_in: SignIn, owner: User, mate: User, answered: Any, talk: Any, made: Any
) -> None:
    shared = answered(owner, "shared with all", chat=talk(owner, shared=True))
    task = made(owner, "an admin's boat")
    asked = delete(sign_in(mate), shared.pk, task.pk).content.decode()
    assert "Nothing of this can be deleted" in asked
    assert removing.NOT_OWN_CHAT in asked.replace("&#x27;", "'")
    assert removing.NOT_OWN_TASK in asked.replace("&#x27;", "'")
    delete(sign_in(mate), shared.pk, task.pk, sure="1")
    assert not Removal.objects.exists()


def test_who_left_the_team_meanwhile_deletes_nothing(
    sign_in: SignIn, mate: User, team: Team, made: Any
) -> None:
    task = made(mate)
    delete(sign_in(mate), task.pk, sure="1")
    team.membership_set.filter(user=mate).delete()
    removing.sweep(timezone.now() + removing.GRACE)
    assert MediaTask.objects.filter(pk=task.pk).exists()
    assert Entry.objects.get(subject=task.pk).hidden is None


def test_a_viewer_deletes_and_rates_nothing(sign_in: SignIn, viewer: User, owner: User, made: Any) -> None:
    task = made(owner)
    client = sign_in(viewer)
    assert delete(client, task.pk, sure="1").status_code == 403
    assert client.post(reverse("history:rate", args=[task.pk]), {"value": "up"}).status_code == 403
    assert client.post(reverse("history:thumb", args=[task.pk]), {"value": "up"}).status_code == 403


def test_a_rating_is_kept_shown_filtered_and_taken_back(
    sign_in: SignIn, owner: User, mate: User, made: Any
) -> None:
    task = made(owner, "a boat")
    client = sign_in(mate)
    client.post(
        reverse("history:rate", args=[task.pk]), {"value": "up", "note": "crisp", "tags": "Keep, good light"}
    )
    page = client.get(reverse("history:show", args=[task.pk])).content.decode()
    assert "crisp" in page
    assert "good light, keep" in page or "keep, good light" in page
    assert "a boat" in client.get(LIST, {"rating": "up", "tag": "keep"}).content.decode()
    assert "a boat" not in client.get(LIST, {"rating": "down"}).content.decode()
    client.post(reverse("history:thumb", args=[task.pk]), {"value": "down"})
    assert Rating.objects.get().note == "crisp"
    assert Entry.objects.get().rating == -1
    client.post(reverse("history:thumb", args=[task.pk]), {"value": "down"})
    assert Rating.objects.get().value is None
    client.post(reverse("history:rate", args=[task.pk]), {"value": "", "note": "", "tags": ""})
    assert not Rating.objects.exists()


def test_the_runs_of_a_prompt_tell_their_rating(owner: User, team: Team, made: Any) -> None:
    task = made(owner)
    Rating.objects.create(team=team, kind="media", subject=task.pk, value=-1, by=owner)
    use = kinds.Use(f"task:{task.pk}", timezone.now(), owner, 1, {}, "succeeded", "/")
    other = kinds.Use(f"run:{task.pk}", timezone.now(), owner, 1, {}, "succeeded", "/")
    assert [row.rating for row in kinds._rated([use, other])] == [-1, None]


def test_the_owner_lets_the_team_read_one_run_by_its_address(
    sign_in: SignIn, owner: User, mate: User, stranger: User, answered: Any
) -> None:
    run = answered(owner, "only this one")
    rest = answered(owner, "and not the rest", chat=run.conversation)
    place = reverse("history:show", args=[run.pk])
    assert sign_in(mate).post(reverse("history:share", args=[run.pk])).status_code == 404
    sign_in(owner).post(reverse("history:share", args=[run.pk]))
    client = sign_in(mate)
    page = client.get(place).content.decode()
    assert "only this one" in page
    assert "Open in the chat" not in page
    assert client.get(reverse("history:show", args=[rest.pk])).status_code == 404
    assert "only this one" not in client.get(LIST).content.decode()
    assert client.post(reverse("history:share", args=[run.pk]), {"stop": "1"}).status_code == 403
    assert sign_in(stranger).get(place).status_code == 404
    sign_in(owner).post(reverse("history:share", args=[run.pk]), {"stop": "1"})
    assert sign_in(mate).get(place).status_code == 404
    assert not Share.objects.exists()
    assert AuditEvent.objects.filter(verb__in=["history.share", "history.unshare"]).count() == 2


def test_a_copy_for_outside_names_nobody(
    sign_in: SignIn, owner: User, mate: User, team: Team, team_key: GatewayKey, answered: Any
) -> None:
    GatewayKey.objects.filter(pk=team_key.pk).update(label="Nightly")
    run = answered(
        owner,
        "Miguel (miguel@example.com, +44 20 7946 0958) of Research asked sk-abcdefghijklmnop from 10.1.2.3",
        f"Dear Miguel, run {owner.pk} with Nightly. Project Falcon.",
        key=team_key,
    )
    client = sign_in(owner)
    place = reverse("history:make-copy", args=[run.pk])
    seen = client.post(place, {"as": "look", "words": "Falcon"}).content.decode()
    assert "Falcon" not in seen.split("What it will say")[1]
    for to in ("md", "html"):
        text = client.post(place, {"as": to, "words": "Falcon"}).content.decode()
        for gone in ("Miguel", "miguel", "@example", "Research", "sk-abc", "10.1.2.3", "7946", str(owner.pk),
                     "Nightly", "Falcon", "Olivia", str(run.pk)):  # fmt: skip
            assert gone not in text
        assert "[name 1]" in text
        assert "Project" in text
    assert AuditEvent.objects.filter(verb="history.copy").count() == 2


def test_views_are_kept_shared_and_begun_with(sign_in: SignIn, owner: User, mate: User, made: Any) -> None:
    made(owner, "a boat")
    client = sign_in(owner)
    keep = {"name": "Boats", "back": "kind=media&q=boat", "shared": "1"}
    client.post(reverse("history:keep-view"), keep)
    client.post(reverse("history:keep-view"), {"name": "Mine", "back": "kind=chat"})
    client.get(LIST)  # its messages are for this page
    view = View.objects.get(name="Boats")
    theirs = sign_in(mate).get(LIST).content.decode()
    assert "Boats" in theirs
    assert "Mine" not in theirs
    client = sign_in(mate)
    assert client.post(reverse("history:remove-view", args=[view.pk])).status_code == 403
    client.post(reverse("history:begin-with", args=[view.pk]))
    opened = client.get(LIST)
    assert opened.status_code == 302
    assert opened["Location"] == f"{LIST}?q=boat&kind=media&saved={view.pk}"
    client.post(reverse("history:begin-with", args=[view.pk]), {"stop": "1"})
    assert client.get(LIST).status_code == 200
    sign_in(owner).post(reverse("history:remove-view", args=[view.pk]))
    assert "Boats" not in sign_in(mate).get(LIST).content.decode()


def test_new_lines_wait_behind_a_word_of_how_many(sign_in: SignIn, owner: User, made: Any) -> None:
    made(owner)
    client = sign_in(owner)
    page = client.get(LIST).content.decode()
    address = re.search(r'hx-get="(/history/news\?[^"]+)"', page)
    assert address is not None
    where = address[1].replace("&amp;", "&")
    assert " new" not in client.get(where).content.decode()
    made(owner)
    made(owner)
    assert "2 new" in client.get(where).content.decode()


def test_one_line_leads_to_its_neighbours_in_the_list_and_to_its_place(
    sign_in: SignIn, owner: User, answered: Any, made: Any
) -> None:
    tasks = [made(owner, f"boat {number}") for number in range(3)]
    run = answered(owner)
    client = sign_in(owner)
    page = client.get(reverse("history:show", args=[tasks[1].pk]), {"kind": "media"}).content.decode()
    for other in (tasks[0], tasks[2]):
        assert f'href="/history/{other.pk}/?kind=media' in page
    assert reverse("media:task", args=[tasks[1].pk]) in page
    page = client.get(reverse("history:show", args=[tasks[2].pk]), {"kind": "media"}).content.decode()
    assert str(run.pk) not in page
    page = client.get(reverse("history:show", args=[run.pk])).content.decode()
    assert f"/chat/{run.conversation_id}/?turn={run.answer_id}#turn-{run.answer_id}" in page


def test_a_line_far_up_opens_the_chat_at_its_place(sign_in: SignIn, owner: User, answered: Any) -> None:
    first = answered(owner, "the very first question")
    for number in range(25):
        answered(owner, f"question {number}", chat=first.conversation)
    client = sign_in(owner)
    place = reverse("chat:show", args=[first.conversation_id])
    assert f'id="turn-{first.answer_id}"' not in client.get(place).content.decode()
    assert f'id="turn-{first.answer_id}"' in client.get(place, {"turn": first.answer_id}).content.decode()


@pytest.mark.parametrize(
    "query",
    ["since=2026-02-30", "since=nonsense", "until=9999-12-31", "tokens_min=-1", "tokens_min=9" * 3, "key=x",
     "owner=%00", "prompt=1", "mark=x", "q=%00%ff", "q=%22%20OR%20%2A", "label=%27", "model=%EF%BF%BD",
     "since=2026-01-01T10:00:00+00:00", "tokens_max=999999999999999999999", "show=x", "state=succeeded"],
)  # fmt: skip
def test_nonsense_in_the_address_is_no_error(query: str, sign_in: SignIn, owner: User, made: Any) -> None:
    made(owner)
    assert sign_in(owner).get(f"{LIST}?{query}").status_code == 200


@pytest.mark.parametrize(("show", "mark"), [("table", "<tr"), ("gallery", "<article")])
def test_a_thumb_gives_back_the_line_as_the_list_shows_it(
    show: str, mark: str, sign_in: SignIn, owner: User, made: Any
) -> None:
    task = made(owner, "a boat")
    sent = sign_in(owner).post(
        reverse("history:thumb", args=[task.pk]),
        {"value": "up", "back": f"show={show}"},
        headers={"hx-request": "true"},
    )
    assert sent.status_code == 200
    text = sent.content.decode()
    assert text.strip().startswith(mark)
    assert text.count('aria-pressed="true"') == 1
