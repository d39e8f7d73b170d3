"""A large history made up in a database, quickly: people, keys, prompts, chats, runs, tasks and usage.

Rows go in past the ORM, the oldest first, and what triggers keep beside them is made at the end. The same
seed gives the same history. Runs differ as those of a real team do: few families have most of the runs, few
words stand in most texts, one in twenty failed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from accounts.models import GatewayKey, Membership, Role, Team, User
from playground.chat.models import Conversation, Run, Turn
from playground.history.loading import Loader
from playground.library.models import Label, Prompt, PromptVersion, Reach
from playground.media.models import MediaTask, Status
from playground.ops.models import UsageRecord

SYLLABLES = [first + second for first in "bcdfghklmnprstvz" for second in ("a", "en", "i", "or", "u")]
VOCABULARY = 20_000
MODELS = (
    ("openai_chat", "gpt-4.1"), ("openai_chat", "gpt-4.1-mini"), ("anthropic", "claude-sonnet"),
    ("openai_responses", "gpt-5"), ("gemini", "gemini-2.5-pro"), ("gemini", "gemini-2.5-flash"),
    ("anthropic", "claude-haiku"), ("openai_chat", "rare-1"),
)  # fmt: skip
MODEL_ODDS = (40, 18, 15, 10, 8, 5, 3.95, 0.05)
ROUTES = (("kling", "video"), ("dashscope", "image"), ("suno", "music"), ("openai", "speech"))
# What a task makes: its unit, and how much in thousandths of it; of speech that is its text.
MADE = {"video": ("second", (5000, 10_000)), "image": ("image", (1000, 1000, 2000, 4000)),
        "music": ("song", (2000,)), "speech": ("character", ())}  # fmt: skip
ENDS = (("finished", "", 93), ("failed", "rate_limited", 3), ("failed", "upstream", 1), ("stopped", "", 2),
        ("interrupted", "interrupted", 1))  # fmt: skip
PEOPLE, KEYS, PROMPTS, VERSIONS = 20, 4, 40, 5
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Wish:
    """How much, over how many days up to `until`."""

    runs: int
    conversations: int
    tasks: int
    days: int
    until: datetime


@dataclass(slots=True)
class Cast:
    """Whose history it is. `versions` are of prompts that the team sees."""

    team: Team
    people: list[User]
    keys: list[GatewayKey] = field(default_factory=list)
    versions: list[PromptVersion] = field(default_factory=list)


class Seeder:
    def __init__(self, cast: Cast, wish: Wish, seed: int | None) -> None:
        self.cast, self.wish = cast, wish
        self.rng = Random(seed)  # noqa: S311 - the same history for the same seed
        self.words, self.weights = vocabulary()

    def everything(self, say: Callable[[str], None]) -> None:
        """All the rows, in the order of their making."""
        with Loader(Conversation, Turn, Run, UsageRecord, MediaTask) as loader:
            made = 0
            for row in self._rows():
                loader.add(row)
                if isinstance(row, (Run, MediaTask)):
                    made += 1
                    if made % 50_000 == 0:
                        say(f"{made:,} of {self.wish.runs + self.wish.tasks:,}")

    def _rows(self) -> Iterator[Any]:
        """Chats overlap in life; here each is whole before the next, but the runs follow the clock."""
        runs, tasks = self._chats(), self._tasks()
        every = max(1, round(self.wish.runs / self.wish.tasks)) if self.wish.tasks else 0
        for place, rows in enumerate(runs, 1):
            yield from rows
            if every and place % every == 0:
                yield from next(tasks, ())
        for rows in tasks:
            yield from rows

    def _chats(self) -> Iterator[list[Any]]:
        """The rows of one run after the other; a chat's own row comes with its last."""
        left, chats, at = self.wish.runs, max(1, self.wish.conversations), self._begin()
        step = timedelta(days=self.wish.days) / max(1, self.wish.runs + self.wish.tasks)
        for chat in range(chats):
            talk, parent = self._talk(at), None
            length = self._length(left, chats - chat)
            for place in range(length):
                at, left = at + step, left - 1
                rows, parent = self._exchange(talk, parent, at)
                # Last, when it knows its leaf.
                yield [*rows, talk] if place == length - 1 else rows

    def _length(self, left: int, chats: int) -> int:
        if chats == 1:
            return left
        mean = left / chats
        return min(left, max(1, round(self.rng.expovariate(1 / mean)))) if mean > 1 else min(1, left)

    def _begin(self) -> datetime:
        return self.wish.until - timedelta(days=self.wish.days)

    def _talk(self, at: datetime) -> Conversation:
        return Conversation(
            pk=self._id(),
            team=self.cast.team,
            owner=self.cast.people[min(PEOPLE - 1, int(self.rng.expovariate(0.25)))],
            title=self.said(5).capitalize(),
            shared=self.rng.random() < 0.2,
            created_at=at,
            updated_at=at,
        )

    def _exchange(self, talk: Conversation, parent: Turn | None, at: datetime) -> tuple[list[Any], Turn]:
        text, rng = self.said(12), self.rng
        status, kind = self._end()
        answer = self.said(24) if status != "failed" else ""
        family, model = rng.choices(MODELS, MODEL_ODDS)[0]
        took, version = round(rng.lognormvariate(7.5, 0.8)), self._version()
        question = Turn(
            pk=self._id(), conversation=talk, parent=parent, role=Turn.Role.USER, text=text, created_at=at,
            parts=[{"kind": "text", "text": text}],
        )  # fmt: skip
        reply = Turn(
            pk=self._id(), conversation=talk, parent=question, role=Turn.Role.ASSISTANT, text=answer,
            created_at=at, parts=[{"kind": "text", "text": answer}] if answer else [],
        )  # fmt: skip
        run = Run(
            pk=self._id(), team=self.cast.team, user_id=talk.owner_id, key=rng.choice(self.cast.keys),
            conversation=talk, asked=question, answer=reply, family=family, model=model, served_model=model,
            prompt_version=version, variables={} if version else None, status=status, error_kind=kind,
            error_message="The gateway refused this." if kind else "", reason="stop" if answer else "",
            first_token_ms=took // 4 if answer else None, created_at=at, started_at=at,
            ended_at=at + timedelta(milliseconds=took),
        )  # fmt: skip
        self._count(run)
        talk.leaf_id = reply.pk
        return [question, reply, run, self._used(run, took)], reply

    def _end(self) -> tuple[str, str]:
        status, kind, _ = self.rng.choices(ENDS, [odds for *_, odds in ENDS])[0]
        return status, kind

    def _version(self) -> PromptVersion | None:
        return self.rng.choice(self.cast.versions) if self.rng.random() < 0.1 else None

    def _count(self, run: Run) -> None:
        """Of one in fifty the gateway told nothing."""
        if run.status == "failed" or self.rng.random() < 0.02:
            return
        run.input_tokens = round(self.rng.lognormvariate(6, 1))
        run.cache_read_tokens = run.input_tokens // 2 if self.rng.random() < 0.3 else 0
        run.output_tokens = round(self.rng.lognormvariate(5.5, 0.8))

    def _used(self, run: Run, took: int) -> UsageRecord:
        return UsageRecord(
            team=run.team, user_id=run.user_id, key_id=run.key_id, subject=f"run:{run.pk}",
            family=run.family, model=run.model, outcome=run.status, latency_ms=took,
            at=run.ended_at or run.created_at,
            input_tokens=run.input_tokens, output_tokens=run.output_tokens,
            cache_read_tokens=run.cache_read_tokens,
            prompt=run.prompt_version.prompt_id if run.prompt_version else None,
        )  # fmt: skip

    def _tasks(self) -> Iterator[list[Any]]:
        step = timedelta(days=self.wish.days) / max(1, self.wish.tasks)
        at = self._begin()
        for _ in range(self.wish.tasks):
            at += step
            yield self._task(at)

    def _task(self, at: datetime) -> list[Any]:
        text, rng = self.said(24), self.rng
        family, medium = ROUTES[min(3, int(rng.expovariate(1)))]
        took, failed = round(rng.lognormvariate(10.5, 0.7)), rng.random() < 0.05
        unit, counts = MADE[medium]
        made = rng.choice(counts) if counts else len(text) * 1000
        task = MediaTask(
            pk=self._id(), team=self.cast.team, user=rng.choice(self.cast.people),
            key=rng.choice(self.cast.keys), operation=f"{family}.{medium}", family=family, medium=medium,
            model=f"{family}-{rng.randrange(3)}", form_id=self._id(), title=text[:60], text=text,
            inputs={"values": {"prompt": text}}, status=Status.FAILED if failed else Status.SUCCEEDED,
            error_kind="upstream" if failed else "", created_at=at, submitted_at=at, changed_at=at,
            ended_at=at + timedelta(milliseconds=took),
        )  # fmt: skip
        used = UsageRecord(
            team=task.team, user_id=task.user_id, key_id=task.key_id, subject=f"task:{task.pk}",
            family=family, model=task.model, outcome=task.status, latency_ms=took,
            at=task.ended_at or at, unit=unit, units_milli=None if failed else made,
        )  # fmt: skip
        return [task, used]

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

    def said(self, count: int) -> str:
        return " ".join(self.rng.choices(self.words, cum_weights=self.weights, k=count))


def vocabulary() -> tuple[list[str], list[float]]:
    """20,000 words and how common each is: the first stands in most texts, the last in one of thousands."""
    rng = Random(7)  # noqa: S311 - the same words in each run
    made = ("".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3, 4)))) for _ in range(3 * VOCABULARY))
    words = list(dict.fromkeys(made))[:VOCABULARY]
    return words, list(accumulate(1 / (rank + 3) for rank in range(len(words))))


def cast_for(email: str, slug: str) -> Cast:
    """The team of that slug, made when there is none, with its people, keys and prompts."""
    owner = _person(email, email.split("@")[0].capitalize())
    team, _ = Team.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").capitalize()})
    mates = [_person(f"seed{place}@example.com", f"Seed {place}") for place in range(1, PEOPLE)]
    for person in (owner, *mates):
        role = Role.OWNER if person == owner else Role.MEMBER
        Membership.objects.get_or_create(team=team, user=person, defaults={"role": role})
    cast = Cast(team, [owner, *mates])
    cast.keys = [_key(team, owner, place) for place in range(1, KEYS + 1)]
    cast.versions = [version for place in range(PROMPTS) for version in _versions(cast, place)]
    return cast


def _person(email: str, name: str) -> User:
    """With no password: a link lets them in (`manage.py link`)."""
    return User.objects.filter(email=email).first() or User.objects.create_user(email, None, name=name)


def _key(team: Team, owner: User, place: int) -> GatewayKey:
    """It opens nothing: a name in a list."""
    given = {"owner": owner, "last4": f"{place:04d}", "base_url": "https://api.anyint.ai"}
    return GatewayKey.objects.get_or_create(team=team, label=f"Seed {place}", shared=True, defaults=given)[0]


def _versions(cast: Cast, place: int) -> list[PromptVersion]:
    title, owner = f"Seeded prompt {place}", cast.people[place % PEOPLE]
    prompt = Prompt.objects.filter(team=cast.team, slug=f"seeded-{place}").first()
    if prompt is not None:
        return list(prompt.versions.order_by("number"))
    prompt = Prompt.objects.create(
        team=cast.team, slug=f"seeded-{place}", title=title, kind="chat", owner=owner, reach=Reach.TEAM
    )
    body = {"messages": [{"role": "user", "text": title}], "variables": [], "settings": {}}
    made = [
        PromptVersion.objects.create(prompt=prompt, number=number, author=owner, body=body)
        for number in range(1, VERSIONS + 1)
    ]
    Prompt.objects.filter(pk=prompt.pk).update(head=made[-1], text=title)
    if place % 2 == 0:
        Label.objects.create(prompt=prompt, name="production", version=made[-1])
    return made
