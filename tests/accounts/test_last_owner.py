"""Whatever people try, in whatever order: a team keeps an owner, and nobody rises by their own hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts import invitations, teams
from accounts.models import Membership, Role, User

PEOPLE = range(5)
ROLES = st.sampled_from(list(Role))
ONE = st.sampled_from(PEOPLE)


class Lives(RuleBasedStateMachine):
    """Five people, one team, and a model of who is what in it."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = transaction.atomic()
        self.mark.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.mark.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.people = [User.objects.create_user(f"person{n}@example.com") for n in PEOPLE]
        self.team = teams.make("Research", by=self.people[0])
        self.roles: dict[int, Role] = {0: Role.OWNER}

    def may(self, by: int, *roles: Role) -> bool:
        own = self.roles.get(by, 0)
        return own >= Role.ADMIN and own >= max(roles)

    def last(self, who: int) -> bool:
        return self.roles.get(who) == Role.OWNER and list(self.roles.values()).count(Role.OWNER) == 1

    @rule(by=ONE, who=ONE, role=ROLES)
    def invite(self, by: int, who: int, role: Role) -> None:
        if who in self.roles:
            return
        now = timezone.now()
        asked = {"team": self.team, "role": role, "by": self.people[by], "now": now}
        if role > self.roles.get(by, 0):
            with pytest.raises(PermissionDenied):
                invitations.invite(self.people[who].email, **asked)
            return
        invitation, _ = invitations.invite(self.people[who].email, **asked)
        stranger = self.people[(who + 1) % len(PEOPLE)]
        assert not invitations.accept(invitation, stranger, now)
        assert invitations.accept(invitation, self.people[who], now)
        assert not invitations.accept(invitation, self.people[who], now)
        self.roles[who] = role

    @rule(by=ONE, who=ONE, role=ROLES)
    def change(self, by: int, who: int, role: Role) -> None:
        def act() -> None:
            teams.change_role(self.team, self.people[who], role, by=self.people[by])

        if who not in self.roles:
            with pytest.raises(Membership.DoesNotExist):
                act()
        elif not self.may(by, self.roles[who], role):
            with pytest.raises(PermissionDenied):
                act()
        elif self.last(who) and role < Role.OWNER:
            with pytest.raises(teams.LastOwner):
                act()
        else:
            act()
            self.roles[who] = role

    @rule(by=ONE, who=ONE)
    def remove(self, by: int, who: int) -> None:
        def act() -> None:
            teams.remove(self.team, self.people[who], by=self.people[by])

        if who not in self.roles:
            with pytest.raises(Membership.DoesNotExist):
                act()
        elif by != who and not self.may(by, self.roles[who]):
            with pytest.raises(PermissionDenied):
                act()
        elif self.last(who):
            with pytest.raises(teams.LastOwner):
                act()
        else:
            act()
            del self.roles[who]

    @rule(by=ONE, who=ONE)
    def hand_over(self, by: int, who: int) -> None:
        def act() -> None:
            teams.hand_over(self.team, self.people[who], by=self.people[by])

        if who not in self.roles:
            with pytest.raises(Membership.DoesNotExist):
                act()
        elif self.roles.get(by) != Role.OWNER:
            with pytest.raises(PermissionDenied):
                act()
        else:
            act()
            if by != who:
                self.roles |= {who: Role.OWNER, by: Role.ADMIN}

    @rule(by=ONE)
    def delete(self, by: int) -> None:
        if self.roles.get(by) == Role.OWNER:
            return
        with pytest.raises(PermissionDenied):
            teams.delete(self.team, by=self.people[by])

    @invariant()
    def the_rows_say_what_the_model_says(self) -> None:
        if not hasattr(self, "team"):
            return
        rows = Membership.objects.filter(team=self.team).values_list("user", "role")
        assert dict(rows) == {self.people[who].pk: role for who, role in self.roles.items()}

    @invariant()
    def somebody_owns_the_team(self) -> None:
        if hasattr(self, "roles"):
            assert Role.OWNER in self.roles.values()


@pytest.mark.usefixtures("database")
def test_sec_39_no_order_of_acts_leaves_a_team_without_an_owner() -> None:
    slow_is_fine: list[Any] = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=slow_is_fine
        ),
    )
