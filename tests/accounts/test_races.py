"""Many at once, on each kind of database: an invitation lets one in, and a team keeps an owner."""

from __future__ import annotations

from tests._servers.apart import Run

BEGIN = """
import django, secrets
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.db import connection
from django.utils import timezone
from accounts import invitations, teams
from accounts.models import AuditEvent, Invitation, Membership, Role, User
slug, now = secrets.token_hex(8), timezone.now()
people = [User.objects.create_user(f"{n}@{slug}.example") for n in range(8)]
team = teams.make("T", by=people[0])
for person in people[1:]:
    Membership.objects.create(team=team, user=person, role=Role.OWNER)
together = Barrier(8)
def at_once(act):
    def one(number):
        together.wait()
        try:
            return act(number)
        finally:
            connection.close()
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(8)))
"""

ACCEPTS = """
guest = User.objects.create_user(f"guest@{slug}.example")
invitation, _ = invitations.invite(guest.email, team=team, role=Role.MEMBER, by=people[0], now=now)
print(sum(at_once(lambda number: invitations.accept(invitation, guest, now))))
print(Membership.objects.filter(team=team, user=guest).count())
print(AuditEvent.objects.filter(team=team, verb="invitation.accept").count())
"""


def test_of_eight_who_accept_at_once_one_is_let_in(apart: Run) -> None:
    assert apart(ACCEPTS).split() == ["1", "1", "1"]


INVITES = """
address = f"guest@{slug}.example"
def invite(number):
    return invitations.invite(address, team=team, role=Role.MEMBER, by=people[number], now=now)
print(len(at_once(invite)))
print(Invitation.objects.filter(team=team, revoked_at=None).count())
"""


def test_of_eight_who_invite_one_address_at_once_the_last_invitation_is_open(apart: Run) -> None:
    assert apart(INVITES).split() == ["8", "1"]


LEAVES = """
def leave(number):
    try:
        teams.remove(team, people[number], by=people[number])
    except teams.LastOwner:
        return "stays"
    return "left"
print(*sorted(at_once(leave)))
print(Membership.objects.filter(team=team, role=Role.OWNER).count())
"""


def test_of_eight_owners_who_leave_at_once_one_stays(apart: Run) -> None:
    assert apart(LEAVES).split() == ["left"] * 7 + ["stays", "1"]
