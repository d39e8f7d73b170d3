"""The page Usage, put together: totals, charts with their table, groups, and models without a price.

At most six queries of figures and names, however many runs and rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.utils import timezone

from accounts.models import Team, User
from playground.templatetags.frame import duration
from playground.usage import charts, names, prices, reading
from playground.usage.asked import MOST_DAYS_BY_HOUR, Asked
from playground.usage.charts import Chart, Series
from playground.usage.figures import ALL, Sum, gathered, money
from playground.usage.models import NANO
from playground.usage.reading import Facet, Scope, Window
from playground.usage.rollups import BUCKETS
from playground.usage.spans import Axis, Bucket, axis

FACETS = {
    "model": Facet.MODEL,
    "key": Facet.KEY,
    "person": Facet.PERSON,
    "prompt": Facet.PROMPT,
    "family": Facet.FAMILY,
}
HISTORY = "/history/"
SHOWN, DRAWN = 100, 5
CHARTED = ("runs", "bad", "input", "output", "nano")
# What a group's row shows, and whether it has a price: to add up all figures of a year of prompts takes long.
GROUPED = (
    *("runs", "good", "bad", "input", "input_told", "output", "output_told", "cache_read", "cache_read_told"),
    *("units", "units_told", "nano", "priced", *BUCKETS),
)
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """One row of the table: a model, a key, a person, a prompt or a family. `mark`: its colour, or ""."""

    name: str
    family: str
    sum: Sum
    share: int
    href: str
    mark: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One row of the table twin of the charts."""

    bucket: Bucket
    sum: Sum
    href: str


@dataclass(frozen=True, slots=True)
class Unpriced:
    family: str
    model: str
    runs: int
    unit: str


@dataclass(frozen=True, slots=True)
class Report:
    asked: Asked
    axis: Axis
    total: Sum
    charts: list[Chart]
    moments: list[Moment]
    groups: list[Group]
    more_groups: int
    unpriced: list[Unpriced]
    currency: str


def make(asked: Asked, team: Team, viewer: User) -> Report:
    scope = Scope(team.pk, viewer.pk if asked.whose == "me" else None)
    time = axis(asked, timezone.get_current_timezone())
    by_bucket = reading.sums(
        scope,
        Facet.ALL,
        time.window,
        ALL,
        by=("bucket", "unit"),
        bucket=time.sql,
        whole_days=time.whole_days,
    )
    side = _of_side(scope, asked.by, time)
    places = gathered(side, "family", "value")
    ranked = sorted(places.items(), key=lambda item: (-item[1].runs, item[0]))
    ranked = [item for item in ranked if item[1].runs]
    drawn = [place for place, _ in ranked[:DRAWN]] if _parted(scope, time) else []
    marks = {place: f"s{at + 1}" for at, place in enumerate(drawn)}
    total = gathered(by_bucket).get((), Sum())
    links = Links(asked, viewer)
    told = names.names(asked.by, {value for (_, value), _ in ranked[:SHOWN]}, team, viewer)
    moments = _moments(by_bucket, time, links)
    labels = [names.of_place(asked.by, place, told) for place in drawn]
    currency = prices.currency(team.pk)
    return Report(
        asked=asked,
        axis=time,
        total=total,
        charts=_charts(
            moments, _drawn(scope, asked.by, time, drawn, labels), currency, len(ranked) > len(drawn)
        ),
        moments=moments,
        groups=[
            Group(
                names.of_place(asked.by, place, told),
                place[0],
                sum,
                sum.runs * 100 // max(1, ranked[0][1].runs),
                links.to(asked.by, *place),
                marks.get(place, ""),
            )
            for place, sum in ranked[:SHOWN]
        ],
        more_groups=max(0, len(ranked) - SHOWN),
        unpriced=_without_price(side) if asked.by == "model" else unpriced(scope, time.window),
        currency=currency,
    )


def _parted(scope: Scope, time: Axis) -> bool:
    """Whether charts part the groups. Of one person, in days that are no days of the roll-ups, that reads the
    records themselves: for a short range only.
    """
    return scope.person is None or time.whole_days or time.days <= MOST_DAYS_BY_HOUR


def _of_side(scope: Scope, side: str, time: Axis) -> list[dict[str, Any]]:
    return reading.sums(scope, FACETS[side], time.window, GROUPED, by=("family", "value", "unit"))


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of History with the filters that show what a figure counts."""

    asked: Asked
    viewer: User

    def at(self, bucket: Bucket) -> str:
        return self._address({"since": bucket.since.isoformat(), "until": bucket.until.isoformat()})

    def to(self, side: str, family: str, value: str) -> str:
        """ "" where History has nothing to filter by."""
        if side in ("model", "family"):
            told = {"family": family} | ({"model": value} if side == "model" else {})
        elif value:
            told = {{"person": "owner"}.get(side, side): str(UUID(value))}
        else:
            return ""
        days = {"since": self.asked.since.isoformat(), "until": self.asked.until.isoformat()}
        return self._address(told | days)

    def _address(self, told: dict[str, str]) -> str:
        if self.asked.whose == "me":
            told = told | {"owner": str(self.viewer.pk)}
        return f"{HISTORY}?{urlencode(told)}"


def _moments(rows: list[dict[str, Any]], time: Axis, links: Links) -> list[Moment]:
    found = gathered(rows, "bucket")
    return [Moment(bucket, found.get((bucket.number,), Sum()), links.at(bucket)) for bucket in time.buckets]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a chart draws of the greatest groups: figures by bucket."""

    label: str
    mark: str
    figures: dict[int, dict[str, int]]


def _drawn(
    scope: Scope, side: str, time: Axis, places: Sequence[Place], labels: Sequence[str]
) -> list[Drawn]:
    rows = reading.sums(
        scope,
        FACETS[side],
        time.window,
        CHARTED,
        by=("family", "value", "bucket"),
        bucket=time.sql,
        whole_days=time.whole_days,
        only=places,
    )
    found: dict[Place, dict[int, dict[str, int]]] = {}
    for row in rows:
        found.setdefault((row["family"], row["value"]), {})[row["bucket"]] = row
    return [
        Drawn(label, f"s{at + 1}", found.get(place, {}))
        for at, (place, label) in enumerate(zip(places, labels, strict=True))
    ]


def _charts(moments: list[Moment], drawn: list[Drawn], currency: str, more: bool) -> list[Chart]:
    ground = charts.Ground(
        [moment.bucket.long for moment in moments],
        [moment.bucket.label for moment in moments],
        [moment.href for moment in moments],
    )

    def stacked(key: str, title: str, figure: Callable[[dict[str, int]], float], say: Say) -> Chart:
        series = [
            Series(row.label, row.mark, [figure(row.figures.get(m.bucket.number, NOTHING)) for m in moments])
            for row in drawn
        ]
        if more:
            whole = [figure(moment.sum.figures) for moment in moments]
            known = [sum(row.values[at] or 0 for row in series) for at in range(len(moments))]
            rest = [max(0, one - other) for one, other in zip(whole, known, strict=True)]
            series.append(Series("The rest" if drawn else "All", "rest" if drawn else "s1", rest))
        return charts.bars(key, title, series, ground, say)

    return [
        stacked("runs", "Runs", lambda row: row["runs"], _number),
        stacked("tokens", "Tokens, input and output", lambda row: row["input"] + row["output"], _number),
        stacked("cost", f"Cost in {currency}", lambda row: row["nano"] / float(NANO), _amount),
        stacked("errors", "Errors", lambda row: row["bad"], _number),
        charts.lines(
            "latency",
            "Time from start to end",
            [
                Series("half within", "s1", [moment.sum.p50 for moment in moments]),
                Series("95 % within", "s2", [moment.sum.p95 for moment in moments]),
            ],
            ground,
            duration,
        ),
    ]


Say = Callable[[float], str]
NOTHING = dict.fromkeys(CHARTED, 0)


def _number(value: float) -> str:
    for size, word in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if word == 'k' else size):,.4g}{word}"
    return f"{value:,.4g}"


def _amount(value: float) -> str:
    return money(int(value * float(NANO)))


def unpriced(scope: Scope, window: Window) -> list[Unpriced]:
    """Models of which no cost is known for some run that told what it used."""
    figures = ("runs", "priced", "input_told", "output_told", "units_told")
    return _without_price(reading.sums(scope, Facet.MODEL, window, figures, by=("family", "value", "unit")))


def _without_price(rows: list[dict[str, Any]]) -> list[Unpriced]:
    """Of rows by model and unit."""
    out = [
        Unpriced(row["family"], row["value"], row["runs"], row["unit"])
        for row in rows
        if row["priced"] == 0 and min(row["input_told"], row["output_told"]) + row["units_told"] > 0
    ]
    return sorted(out, key=lambda row: (-row.runs, row.model))
