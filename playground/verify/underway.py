"""Check runs for the chip in the rail: those under way, and weekly ones that found something changed."""

from __future__ import annotations

from django.db.models import Count, Q
from django.urls import reverse

from accounts.models import Team, User
from playground.live.activity import MOST, Doing, Group
from playground.verify import changes
from playground.verify.models import CheckResult, CheckRun


def running(user: User, team: Team) -> Group:
    """Those of the team that the person may see."""
    rows = CheckRun.objects.filter(CheckRun.visible_to(user), team=team, state__in=CheckRun.LIVE)
    over = Count("results", filter=~Q(results__state__in=CheckResult.LIVE))
    rows = rows.annotate(over=over, of=Count("results")).order_by("-created_at")
    return Group.of("Checks", [_doing(run) for run in rows[: MOST + 1]])


def noticed(user: User, team: Team) -> Group:
    """What a weekly check found changed, until somebody has looked."""
    rows = CheckRun.objects.filter(CheckRun.visible_to(user), team=team, notice=True)
    return Group.of(
        "Changed since the last check", [_news(run) for run in rows.order_by("-created_at")[: MOST + 1]]
    )


def _doing(run: CheckRun) -> Doing:
    told = vars(run)
    word = "Waiting" if run.state == CheckRun.State.QUEUED else f"{told['over']} of {told['of']} checks"
    return Doing(run.pk, run.key_label, word, "shield-check", _url(run), run.created_at)


def _news(run: CheckRun) -> Doing:
    found = changes.of(run)
    word = found[0].words if found else "Changed"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Doing(run.pk, run.key_label, f"{word}{more}", "triangle-alert", _url(run), run.created_at)


def _url(run: CheckRun) -> str:
    return reverse("verify:run", args=[run.pk])
