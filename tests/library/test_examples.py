"""Examples run against a version, the answers of two versions beside each other, and what runs tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from playground.library import examples, kinds
from playground.library.models import Example


def test_an_example_is_kept_under_its_name_and_replaced_under_it(make, owner, mate, viewer):
    prompt = make()
    first = examples.keep(prompt, owner, " Ada ", {"name": "Ada"})
    again = examples.keep(prompt, mate, "ada", {"name": "Grace\0"})
    assert (again.pk, again.values) == (first.pk, {"name": "Grace\u2400"})
    for name, values in ((" ", {}), ("big", {"x": "x" * 500_001})):
        with pytest.raises(ValueError, match=r"\.$"):
            examples.keep(prompt, owner, name, values)
    with pytest.raises(PermissionDenied):
        examples.keep(prompt, viewer, "x", {})
    with pytest.raises(PermissionDenied):
        examples.remove(first, viewer)
    examples.remove(first, owner)
    assert not Example.objects.exists()


def test_a_prompt_has_at_most_fifty_examples(make, owner):
    prompt = make()
    for place in range(50):
        examples.keep(prompt, owner, f"{place}", {})
    examples.keep(prompt, owner, "7", {"name": "x"})
    with pytest.raises(ValueError, match="at most 50"):
        examples.keep(prompt, owner, "one more", {})


def test_running_all_starts_each_and_says_why_one_could_not_be(make, runs, owner, viewer):
    prompt = make()
    for name in ("Ada", "nobody", "Grace"):
        examples.keep(prompt, owner, name, {"name": name})
    started = examples.run_all(prompt.head, owner)
    assert started.urls == {"Ada": "/chat/1", "Grace": "/chat/2"}
    assert started.errors == {"nobody": "Nobody is not greeted."}
    assert runs.started == [{"name": "Ada"}, {"name": "Grace"}]
    with pytest.raises(PermissionDenied):
        examples.run_all(prompt.head, viewer)


def test_a_kind_that_cannot_run_says_so(make, runs, owner):
    prompt = make(kind="image", body={"values": {}})
    examples.keep(prompt, owner, "x", {})
    assert examples.run_all(prompt.head, owner).errors.keys() == {"x"}


def test_the_table_has_the_newest_answer_of_each_version_to_the_same_values(make, save, runs, owner):
    prompt = make()
    old, now = prompt.head, timezone.now()
    new = save(prompt)
    for name in ("Ada", "Grace"):
        examples.keep(prompt, owner, name, {"name": name, "n": 1})
    runs.add(old, now - timedelta(2), values={"name": "Ada", "n": 1}, answer="first")
    newest = runs.add(old, now - timedelta(1), values={"n": 1, "name": "Ada"}, answer="second")
    after = runs.add(new, now, values={"name": "Ada", "n": 1}, answer="third")
    runs.add(new, now, values={"name": "Grace"}, answer="of other values")
    table = examples.table(prompt, owner, old, new)
    assert [(line.example.name, line.old, line.new) for line in table] == [
        ("Ada", newest, after),
        ("Grace", None, None),
    ]


def test_uses_of_several_apps_come_together_newest_first(make, save, runs, owner):
    prompt, now = make(), timezone.now()
    old, new = prompt.head, save(prompt)
    first, second = runs.add(old, now - timedelta(2)), runs.add(new, now - timedelta(1))
    other = type(runs)()
    third = other.add(old, now)
    kinds.register_uses("media", other)
    assert kinds.uses_of(prompt, owner) == [third, second, first]
    assert kinds.uses_of(prompt, owner, limit=2) == [third, second]
    assert kinds.uses_of(prompt, owner, before=second.at) == [first]
    assert kinds.uses_of(prompt, owner, version=new) == [second]
    assert kinds.last_runs([prompt]) == {prompt.pk: now}
    assert kinds.last_runs([]) == {}
    wanted = [first.subject, third.subject, "run:gone"]
    assert kinds.evidence(prompt.team_id, wanted, owner) == [first, third]
