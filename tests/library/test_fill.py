"""Filling a version: variables and other prompts, within limits."""

from __future__ import annotations

import pytest

from playground.library import fill, labels, prompts, versions
from playground.library.fill import Errors, Filled
from playground.library.versions import Invalid
from tests.library.conftest import chat

pytestmark = pytest.mark.usefixtures("no_kinds")


def filled(version, user, **values):
    answer = fill.filled(version, values, user)
    assert isinstance(answer, Filled), answer
    return answer


def said(version, user, **values):
    return filled(version, user, **values).body["messages"][0]["text"]


def errors(version, user, **values):
    answer = fill.filled(version, values, user)
    assert isinstance(answer, Errors)
    return answer.by_name


def test_the_filled_body_has_values_and_no_declarations(make, owner):
    body = chat("Hi {{name}}", variables=[{"name": "name"}], settings={"system": "Be {{tone}}", "model": "m"})
    version = make(body=body).head
    answer = filled(version, owner, name="Ada", tone="kind", other=1)
    assert answer.body == {
        "messages": [{"role": "user", "text": "Hi Ada"}],
        "settings": {"system": "Be kind", "model": "m"},
    }
    assert answer.used == [version]
    assert answer.values == {"name": "Ada", "tone": "kind"}


def test_missing_and_wrong_values_are_said_at_their_names(make, owner):
    body = chat("{{a}} {{n}}", variables=[{"name": "n", "type": "number"}])
    assert errors(make(body=body).head, owner, n="x").keys() == {"a", "n"}


def test_another_prompt_is_inserted_at_its_label_and_its_variables_are_asked_for(make, save, owner):
    tone = make("Tone", body=chat("Be {{mood}}.", variables=[{"name": "mood", "label": "Mood"}]))
    labels.point(tone, "production", tone.head, owner)
    save(tone, "Be rude.")
    version = make("Letter", "{{> tone@production}} Write to {{name}}. {{> tone}}").head
    assert [(one.name, one.title) for one in fill.variables_of(version, owner)] == [
        ("name", "name"),
        ("mood", "Mood"),
    ]
    answer = filled(version, owner, name="Ada", mood="kind")
    assert answer.body["messages"][0]["text"] == "Be kind. Write to Ada. Be rude."
    assert [(one.prompt.slug, one.number) for one in answer.used] == [("letter", 1), ("tone", 1), ("tone", 2)]


def test_a_prompt_without_messages_is_inserted_as_its_system_text(make, owner):
    make("Tone", body={"settings": {"system": "Be kind."}})
    assert said(make("Letter", "{{> tone@1}} Go.").head, owner) == "Be kind. Go."


def test_a_value_that_looks_like_an_insertion_is_only_text(make, owner):
    make("Secret", "secret", shared=False)
    assert (
        said(make("Letter", "{{text}}").head, owner, text="{{> secret}} {{text}}") == "{{> secret}} {{text}}"
    )


def test_what_the_person_may_not_see_cannot_be_inserted(make, owner, mate):
    make("Secret", "secret", shared=False)
    version = make("Letter", "{{> secret}}").head
    assert said(version, owner) == "secret"
    assert "secret" in errors(version, mate)[""]
    assert "" in errors(version, None)


def test_a_prompt_of_another_team_cannot_be_inserted(make, owner):
    make("Elsewhere", "x", team=owner.personal_team)
    assert "" in errors(make("Letter", "{{> elsewhere}}").head, owner)


@pytest.mark.parametrize("named", ["{{> nothing}}", "{{> tone@nothing}}", "{{> tone@9}}"])
def test_an_insertion_that_leads_nowhere_is_said(make, owner, named):
    make("Tone", "x")
    assert named in errors(make("Letter", named).head, owner)[""]


def test_only_chat_prompts_are_inserted(make, owner):
    make("Boat", body={"values": {"prompt": "a boat"}}, kind="image")
    assert "no chat prompt" in errors(make("Letter", "{{> boat}}").head, owner)[""]


def test_a_prompt_that_would_insert_itself_is_not_saved(make, save, owner):
    a = make("A", "a")
    make("B", "{{> a}}")
    make("C", "{{> b}}")
    for text in ("{{> a}}", "{{> b}}", "{{> c}}", "{{> a@1}}"):
        with pytest.raises(Invalid, match="inserts itself"):
            save(a, text)
    assert a.versions.count() == 1
    save(a, r"\{{> a}} {{> nothing yet}}")


def test_not_even_a_first_version_inserts_itself(make):
    with pytest.raises(Invalid, match="“echo” inserts itself: echo → echo"):
        make("Echo", text="Again: {{> echo}}")


def test_a_cycle_closed_by_moving_a_label_is_refused_when_filling(make, save, owner):
    a = make("A", "a")
    labels.point(a, "production", a.head, owner)
    b = make("B", "b")
    labels.point(b, "production", b.head, owner)
    looped_b = save(b, "{{> a@production}}")
    labels.point(a, "production", save(a, "{{> b@production}}"), owner)
    labels.point(b, "production", looped_b, owner)
    assert "a → b → a" in errors(a.head, owner)[""]
    assert fill.variables_of(a.head, owner) == []


def test_a_renamed_prompt_is_still_inserted_by_its_old_slug_and_still_no_cycle(make, save, owner):
    tone = make("Tone", "Be kind.")
    letter = make("Letter", "{{> tone}}")
    prompts.rename(tone, owner, title="Manner", about="", slug="manner")
    assert said(letter.head, owner) == "Be kind."
    with pytest.raises(Invalid, match="inserts itself"):
        save(tone, "{{> letter}}")


def test_insertions_go_eight_deep_and_no_deeper(make, owner):
    make("p0", "end")
    for depth in range(1, 9):
        prompt = make(f"p{depth}", f"{{{{> p{depth - 1}}}}}")
    assert said(make("short", "{{> p6}}").head, owner) == "end"
    assert "deeper" in errors(prompt.head, owner)[""]
    # The same prompts on a shorter way first, on a longer one then.
    assert "deeper" in errors(make("both", "{{> p1}} {{> p8}}").head, owner)[""]


def test_a_hundred_different_insertions_at_the_most(make, owner, save):
    text = "".join(f"{{{{> p{place}}}}}" for place in range(101))
    for place in range(101):
        make(f"p{place}", "x")
    assert "More than 100" in errors(make("all", text).head, owner)[""]


def test_ten_in_ten_in_ten_is_filled_once_each_or_refused_as_too_long(make, owner):
    make("p0", "x" * 10)
    for depth in range(1, 5):
        make(f"p{depth}", f"{{{{> p{depth - 1}}}}}" * 10)
    assert said(versions.resolve(owner.teams.get(slug="research"), "p4", user=owner), owner) == "x" * 100_000
    last = make("p5", "{{> p4}}" * 10 + "!")
    assert "longer" in errors(last.head, owner)[""]


def test_the_length_of_all_texts_together_is_bounded(make, owner):
    body = {"messages": [{"role": "user", "text": "{{a}}"}] * 6}
    assert "longer" in errors(make(body=body).head, owner, a="x" * 180_000)[""]
    assert len(said(make(body=body).head, owner, a="x" * 160_000)) == 160_000


def test_signs_no_database_takes_are_replaced_in_values(make, owner):
    assert said(make("L", "{{a}}").head, owner, a="\0") == "\u2400"


def test_filling_costs_no_more_queries_for_more_places(make, owner, django_assert_max_num_queries):
    make("Tone", "x")
    version = make("Letter", "{{> tone}}" * 500).head
    with django_assert_max_num_queries(5):
        filled(version, owner)
