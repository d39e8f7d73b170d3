"""The ledger says what runs, tasks and checks are, whatever is done to them and in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import GatewayKey, Team, User
from playground.chat import sharing, turns
from playground.chat.models import Conversation, Run, Turn
from playground.history import rebuild, triggers
from playground.history.models import EVERYBODY, Doc, Entry, Rating, Rebuild, Scope, Tagging, Todo
from playground.media.models import MediaTask, Status
from playground.verify.models import CheckRun

pytestmark = pytest.mark.usefixtures("database")
STATES = {
    "queued": "live", "running": "live", "finished": "done", "failed": "failed", "stopped": "stopped",
    "interrupted": "unclear", "new": "live", "submitting": "live", "waiting": "live", "collecting": "live",
    "succeeded": "done", "expired": "unclear", "cancelled": "stopped", "unconfirmed": "unclear",
    "passed": "done",
}  # fmt: skip


def ms(begin: Any, end: Any) -> int | None:
    return None if begin is None or end is None else round((end - begin).total_seconds() * 1000)


def truth() -> dict[tuple[str, Any], dict[str, Any]]:
    """What the ledger ought to hold, read from the rows it is about."""
    told = {}
    for run in Run.objects.select_related("conversation", "asked", "answer"):
        counts = [run.input_tokens, run.output_tokens]
        told["chat", run.pk] = {
            "place": run.conversation_id, "team": run.team_id, "user": run.user_id, "key": run.key_id,
            "family": run.family, "model": run.model, "medium": "", "status": run.status,
            "state": STATES[run.status], "error_kind": run.error_kind, "created_at": run.created_at,
            "ended_at": run.ended_at, "duration_ms": ms(run.started_at, run.ended_at),
            "tokens": None if counts == [None, None] else sum(count or 0 for count in counts),
            "reader": EVERYBODY if run.conversation.shared else run.conversation.owner_id,
            "asked": run.asked.text, "said": run.answer.text if run.answer else "",
        }  # fmt: skip
    for task in MediaTask.objects.all():
        told["media", task.pk] = {
            "place": None, "team": task.team_id, "user": task.user_id, "key": task.key_id,
            "family": task.family, "model": task.model, "medium": task.medium, "status": task.status,
            "state": STATES[task.status], "error_kind": task.error_kind, "created_at": task.created_at,
            "ended_at": task.ended_at, "duration_ms": ms(task.submitted_at or task.created_at, task.ended_at),
            "tokens": None, "reader": EVERYBODY, "asked": task.text or task.title,
            "said": "" if task.text.startswith(task.title) else task.title,
        }  # fmt: skip
    for check in CheckRun.objects.all():
        told["check", check.pk] = {
            "place": None, "team": check.team_id, "user": check.user_id, "key": check.key_id, "family": "",
            "model": "", "medium": "", "status": check.state, "state": STATES[check.state], "error_kind": "",
            "created_at": check.created_at, "ended_at": check.ended_at,
            "duration_ms": ms(check.started_at, check.ended_at), "tokens": None,
            "reader": EVERYBODY if check.shared else check.user_id,
            "asked": f"Check of {check.key_label}", "said": check.base_url,
        }  # fmt: skip
    return told


def ledger() -> dict[tuple[str, Any], dict[str, Any]]:
    readers = dict(Scope.objects.values_list("pk", "reader"))
    told = {}
    for entry in Entry.objects.select_related("doc"):
        names = ("place", "family", "model", "medium", "status", "state", "error_kind", "created_at",
                 "ended_at", "duration_ms", "tokens")  # fmt: skip
        row = {name: getattr(entry, name) for name in names}
        row |= {"team": entry.team_id, "user": entry.user_id, "key": entry.key_id}
        row |= {"reader": readers[entry.scope], "asked": entry.doc.asked, "said": entry.doc.said}
        assert entry.doc.scope == entry.scope
        assert f"zqs{entry.scope} " in entry.doc.marks
        told[entry.kind, entry.subject] = row
    return told


def agree() -> None:
    ought, is_so = truth(), ledger()
    assert is_so.keys() == ought.keys()
    for name, row in ought.items():
        # SQLite reckons times in fractions of days.
        took = row.pop("duration_ms")
        told = is_so[name].pop("duration_ms")
        assert took == told or (told is not None and abs(took - told) <= 1)
        assert is_so[name] == row
    assert Doc.objects.count() == len(ought)


def found_by_words(word: str) -> set[int]:
    """What the index of words has, asked directly."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT entry_id FROM history_doc WHERE words @@ to_tsquery('simple', %s)", [f"{word}:A"]
            )
        else:
            cursor.execute("SELECT rowid FROM history_text WHERE history_text MATCH %s", [f'"{word}"'])
        return {pk for (pk,) in cursor.fetchall()}


class Life:
    """Somebody's team at work: each act is a name, so that a failure says what led to it."""

    def __init__(self, random: Random, people: list[User], team: Team, key: GatewayKey, make: Any) -> None:
        self.random, self.people, self.team, self.key, self.make = random, people, team, key, make

    def act(self) -> None:
        getattr(self, self.random.choice([name for name in dir(self) if name.startswith("do_")]))()

    def _one(self, model: Any) -> Any:
        rows = list(model.objects.order_by("created_at", "pk"))
        return self.random.choice(rows) if rows else None

    def do_ask(self) -> None:
        person, chat = self.random.choice(self.people), self._one(Conversation)
        chat = chat if chat and chat.owner == person and self.random.random() < 0.6 else None
        self.make["answered"](
            person, f"question {self.random.randrange(9)}", f"answer {self.random.randrange(9)}", chat=chat,
            key=self.random.choice([self.key, None]), input_tokens=self.random.choice([None, 7]),
        )  # fmt: skip

    def do_make(self) -> None:
        self.make["made"](self.random.choice(self.people), f"boat {self.random.randrange(9)}")

    def do_check(self) -> None:
        CheckRun.objects.create(
            team=self.team, user=self.random.choice(self.people), key=self.key, key_label="Team",
            base_url="https://api.anyint.ai", shared=self.random.random() < 0.5,
        )  # fmt: skip

    def do_end_check(self) -> None:
        now = timezone.now()
        CheckRun.objects.filter(ended_at=None).update(state="passed", started_at=now, ended_at=now)

    def do_fail(self) -> None:
        if run := self._one(Run):
            later = run.created_at + timedelta(seconds=self.random.randrange(60))
            Run.objects.filter(pk=run.pk).update(status="failed", error_kind="upstream", ended_at=later)

    def do_run_again(self) -> None:
        if task := self._one(MediaTask):
            MediaTask.objects.filter(pk=task.pk).update(status=Status.COLLECTING, ended_at=None)

    def do_say_otherwise(self) -> None:
        if turn := self._one(Turn):
            Turn.objects.filter(pk=turn.pk).update(text=f"otherwise {self.random.randrange(9)}")

    def do_name(self) -> None:
        if task := self._one(MediaTask):
            MediaTask.objects.filter(pk=task.pk).update(title=f"named {self.random.randrange(9)}")

    def do_share(self) -> None:
        if chat := self._one(Conversation):
            sharing.set_shared(chat, chat.owner, shared=not chat.shared)

    def do_hand_over(self) -> None:
        if chat := self._one(Conversation):
            Conversation.objects.filter(pk=chat.pk).update(owner=self.random.choice(self.people))

    def do_delete_chat(self) -> None:
        if self.random.random() < 0.3 and (chat := self._one(Conversation)):
            turns.delete(chat, chat.owner)

    def do_delete_task(self) -> None:
        if self.random.random() < 0.3 and (task := self._one(MediaTask)):
            task.delete()

    def do_lose_an_answer(self) -> None:
        if run := self._one(Run):
            Run.objects.filter(pk=run.pk).update(answer=None)


@pytest.mark.parametrize("seed", range(4))
def test_after_any_acts_the_ledger_says_what_is_true(
    seed: int, owner: User, mate: User, team: Team, team_key: GatewayKey, answered: Any, made: Any
) -> None:
    life = Life(Random(seed), [owner, mate], team, team_key, {"answered": answered, "made": made})
    for _ in range(60):
        life.act()
    agree()
    kept = [entry.pk for entry in Entry.objects.order_by("pk")]
    before = ledger()
    call_command("rebuild_history", batch=7, verbosity=0)
    assert ledger() == before
    assert len(kept) == Entry.objects.count()


def test_whoever_is_gone_is_gone_from_the_ledger(
    owner: User, mate: User, team: Team, team_key: GatewayKey, answered: Any, made: Any
) -> None:
    answered(owner, key=team_key)
    made(mate, key=team_key)
    team_key.delete()
    agree()
    mate.delete()
    agree()
    team.delete()
    assert not Entry.objects.exists()
    assert not Doc.objects.exists()


def test_words_follow_an_edit_and_go_with_the_chat(owner: User, answered: Any) -> None:
    run = answered(owner, "where is the lighthouse", "on the cliff")
    entry = Entry.objects.get(subject=run.pk).pk
    assert found_by_words("lighthouse") == {entry} == found_by_words("cliff")
    Turn.objects.filter(pk=run.answer_id).update(text="beside the harbour")
    assert found_by_words("cliff") == set()
    assert found_by_words("harbour") == {entry}
    turns.delete(run.conversation, owner)
    assert found_by_words("lighthouse") == set() == found_by_words("harbour")


def test_a_rating_goes_with_what_it_is_about(owner: User, team: Team, made: Any) -> None:
    task = made(owner)
    rating = Rating.objects.create(team=team, kind="media", subject=task.pk, value=1, by=owner)
    Tagging.objects.create(team=team, rating=rating, name="keep")
    task.delete()
    assert not Rating.objects.exists()
    assert not Tagging.objects.exists()


def test_a_rebuild_that_died_goes_on_where_it_was(owner: User, made: Any) -> None:
    tasks = [made(owner, f"boat {number}") for number in range(9)]
    rebuild.begin()
    rebuild.step(4)
    assert list(Entry.objects.order_by("-pk").values_list("subject", flat=True)) == [
        task.pk for task in tasks[:4:-1]
    ]
    # What is made meanwhile comes first, what changes and goes is read as it is.
    late = made(owner, "late")
    MediaTask.objects.filter(pk=tasks[0].pk).update(title="changed")
    tasks[1].delete()
    assert rebuild.run(batch=4) == 9
    order = list(Entry.objects.order_by("-pk").values_list("subject", flat=True))
    assert (
        order == [late.pk, *(task.pk for task in reversed(tasks) if task.pk != tasks[1].pk and task.pk)][:9]
    )
    assert not Todo.objects.exists()
    assert not Rebuild.objects.exists()
    agree()


def test_a_rebuild_keeps_ratings(owner: User, team: Team, made: Any) -> None:
    task = made(owner)
    Rating.objects.create(team=team, kind="media", subject=task.pk, value=-1, by=owner)
    rebuild.run()
    assert Entry.objects.get(subject=task.pk).rating == -1


def test_no_migration_has_lost_the_triggers() -> None:
    assert set(triggers.names(triggers.dialect_of(connection))) <= triggers.installed(connection)


def test_a_run_is_in_the_ledger_once_however_often_it_is_saved(
    owner: User, answered: Callable[..., Run]
) -> None:
    run = answered(owner)
    for _ in range(3):
        run.save()
    assert Entry.objects.filter(subject=run.pk).count() == 1
