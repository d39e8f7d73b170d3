"""A large prompt library in a database, made with the product's own models.

`python -m benchmarks.prompt_rows <prompts> <versions of each>`, in the benchmark's environment. One JSON
line: ids of prompts to look at, and a folder and an owner to look for.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from random import Random
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.db import connection, transaction  # noqa: E402 - only after setup
from django.utils import timezone  # noqa: E402

from accounts.models import Membership, Role, Team, User  # noqa: E402
from playground.library import versions  # noqa: E402
from playground.library.models import (  # noqa: E402
    Comment,
    Favourite,
    Folder,
    Label,
    Level,
    Prompt,
    PromptVersion,
    Reach,
    Share,
    Tag,
)

CHUNK = 500
SYLLABLES = ["ka", "lo", "mi", "nu", "re", "sa", "ti", "vo", "du", "pe"]
PEOPLE = 8


def main(count: int, depth: int) -> dict[str, Any]:
    random = Random(5)
    team = Team.objects.get(personal_of__email="bench0@example.com")
    people = list(User.objects.filter(email__startswith="bench").order_by("created_at", "pk")[:PEOPLE])
    for person in people[1:]:
        Membership.objects.get_or_create(team=team, user=person, defaults={"role": Role.MEMBER})
    Prompt.objects.filter(team=team).delete()
    tops = [Folder.objects.create(team=team, name=f"Folder {place}") for place in range(10)]
    folders = tops + [
        Folder.objects.create(team=team, name=f"Below {place}", parent=tops[place % 10])
        for place in range(40)
    ]
    tags = [Tag.objects.create(team=team, name=f"tag{place}") for place in range(30)]
    for begin in range(0, count, CHUNK):
        with transaction.atomic():
            made = _prompts(random, team, people, folders, range(begin, min(begin + CHUNK, count)))
            _versions(random, made, depth)
            _around(random, made, people, tags)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    shown = Prompt.objects.filter(team=team, reach=Reach.TEAM).order_by("pk")
    chosen = [str(pk) for pk in shown.values_list("pk", flat=True)[: count // 10]]
    return {"prompts": random.sample(chosen, 50), "folder": str(tops[0].pk), "owner": str(people[0].pk)}


def words(random: Random, count: int) -> str:
    """Out of 10,000 words, short ones of them in every text."""
    return " ".join("".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(count))


def _prompts(
    random: Random, team: Team, people: list[User], folders: list[Folder], numbers: range
) -> list[Prompt]:
    now = timezone.now()
    return Prompt.objects.bulk_create(
        Prompt(
            team=team,
            slug=f"prompt-{number}",
            title=f"{words(random, 3).capitalize()} {number}",
            about=words(random, 8),
            kind=random.choices(("chat", "image", "video", "song"), (8, 1, 1, 1))[0],
            folder=random.choice([None, *folders]),
            owner=random.choice(people),
            reach=random.choice((Reach.TEAM, Reach.TEAM, Reach.TEAM, Reach.PRIVATE)),
            archived_at=now if number % 20 == 0 else None,
            created_at=now - timedelta(minutes=number),
            updated_at=now - timedelta(minutes=random.randint(0, 100_000)),
        )
        for number in numbers
    )


def _versions(random: Random, made: list[Prompt], depth: int) -> None:
    rows = [_version(random, prompt, number) for prompt in made for number in range(1, depth + 1)]
    PromptVersion.objects.bulk_create(rows)
    for place, prompt in enumerate(made):
        last = rows[(place + 1) * depth - 1]
        prompt.head = last
        prompt.text = f"common {last.body['messages'][0]['text']} {last.note}"
    Prompt.objects.bulk_update(made, ["head", "text"], batch_size=200)
    Label.objects.bulk_create(
        Label(prompt=prompt, name=name, version=rows[place * depth + back])
        for place, prompt in enumerate(made)
        for name, back in (("production", 0), ("staging", depth - 1))
        if random.random() < 0.5
    )


def _version(random: Random, prompt: Prompt, number: int) -> PromptVersion:
    text = words(random, 150)
    body = {
        "variables": [{"name": "name", "type": "text"}],
        "messages": [{"role": "user", "text": f"{text} {{{{name}}}}"}],
        "settings": {"system": words(random, 30), "model": "m", "params": {}},
    }
    note = words(random, 6)
    digest = versions.digest_of(body)
    return PromptVersion(
        prompt=prompt, number=number, author=prompt.owner, note=note, body=body, digest=digest
    )


def _around(random: Random, made: list[Prompt], people: list[User], tags: list[Tag]) -> None:
    through = Prompt.tags.through
    through._default_manager.bulk_create(
        through(prompt_id=prompt.pk, tag_id=tag.pk) for prompt in made for tag in random.sample(tags, 2)
    )
    Favourite.objects.bulk_create(
        Favourite(prompt=prompt, user=people[0]) for prompt in made if random.random() < 0.05
    )
    Share.objects.bulk_create(
        Share(prompt=prompt, user=random.choice(people), may=Level.EDIT)
        for prompt in made
        if random.random() < 0.1
    )
    Comment.objects.bulk_create(
        Comment(version=prompt.head, author=random.choice(people), text=words(random, 10))
        for prompt in made
        if prompt.head and random.random() < 0.2
    )


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
