"""A team's usage records at full size, rolled up.

`python -m benchmarks.usage_rows <records> <days>`, in the benchmark's environment. One JSON line: seconds of
the rebuild and of a fold of what came after it.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from random import Random

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - only after setup
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import GatewayKey, Membership, Role, Team, User  # noqa: E402
from playground.ops.models import UsageRecord  # noqa: E402
from playground.usage import prices, rollups  # noqa: E402
from playground.usage.models import Fact, Rollup  # noqa: E402

CHUNK = 5000
PEOPLE, KEYS, PROMPTS, LATE = 20, 4, 100, 2000
FAMILIES = ("openai_chat", "openai_responses", "anthropic", "gemini")


def main(count: int, days: int) -> dict[str, float]:
    random = Random(5)
    team = Team.objects.get(personal_of__email="bench0@example.com")
    people = list(User.objects.filter(email__startswith="bench").order_by("created_at", "pk")[:PEOPLE])
    for person in people[1:]:
        Membership.objects.get_or_create(team=team, user=person, defaults={"role": Role.MEMBER})
    keys = [
        GatewayKey.objects.create(team=team, owner=people[0], shared=True, label=f"Key {number}")
        for number in range(KEYS)
    ]
    prompts = [uuid.UUID(int=random.getrandbits(128), version=4) for _ in range(PROMPTS)]
    now = timezone.now()
    for family in FAMILIES:
        said = prices.Figures(Decimal(2), Decimal(10), Decimal("0.5"))
        prices.enter(team, people[0], family, f"{family}-0", now - timedelta(days=days), said)
    step = timedelta(days=days) / count

    def made(number: int) -> UsageRecord:
        family = random.choice(FAMILIES)
        tokens = round(random.lognormvariate(6, 1))
        failed = random.random() < 0.05
        return UsageRecord(
            team=team, user=random.choice(people), key=random.choice(keys), subject=f"run:{uuid.uuid4()}",
            family=family, model=f"{family}-{min(3, int(random.expovariate(1)))}",
            outcome="failed" if failed else "finished", at=now - step * (count - number),
            prompt=random.choice(prompts) if random.random() < 0.2 else None,
            input_tokens=None if failed else tokens, output_tokens=None if failed else tokens // 3,
            cache_read_tokens=tokens // 2 if random.random() < 0.3 else None,
            latency_ms=round(random.lognormvariate(8, 1)),
        )  # fmt: skip

    for begin in range(0, count, CHUNK):
        with transaction.atomic():
            UsageRecord.objects.bulk_create([made(at) for at in range(begin, min(begin + CHUNK, count))])
    began = time.perf_counter()
    call_command("rebuild_usage", stdout=sys.stderr)
    rebuilt = time.perf_counter() - began
    # What came since the last tick, as on a busy day; half of it is left for the page to add itself.
    for size in (LATE, LATE // 2):
        UsageRecord.objects.bulk_create([made(count) for _ in range(size)])
        if size == LATE:
            began = time.perf_counter()
            while rollups.fold():
                pass
            folded = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {
        "rebuilt": rebuilt,
        "folded": folded,
        "rows": Rollup.objects.count(),
        "facts": Fact.objects.count(),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
