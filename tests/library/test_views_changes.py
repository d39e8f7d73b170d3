"""Change requests, runs, examples and trying a prompt, as pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import GatewayKey
from playground.library import examples, labels, reviews
from playground.library.models import ChangeRequest, Comment, Example, Label, Prompt

HTMX = {"HTTP_HX_REQUEST": "true"}


def url(name: str, thing: Any) -> str:
    return reverse(f"library:{name}", args=[thing.pk])


@pytest.fixture
def guarded(make, save, owner, team):
    """A prompt of two versions, with `production` on the first and under review."""
    prompt = make(text="Old {{name}}")
    labels.point(prompt, "production", prompt.head, owner)
    labels.protect(team, "production", owner, needs_role=None, needs_review=True)
    save(prompt, "New {{name}}")
    return prompt


def asked(client: Any, prompt: Prompt, **more: Any) -> Any:
    data = {"label": "production", "version": "2", "title": "Better", "note": "Because"} | more
    return client.post(url("ask", prompt), data)


def test_a_request_goes_from_asking_to_the_moved_label(sign_in, guarded, owner, mate):
    form = sign_in(mate).get(url("ask", guarded) + "?label=production&version=2").content.decode()
    assert "It is version 1 now." in form and "<del>Old</del>" in form
    response = asked(sign_in(mate), guarded)
    change = ChangeRequest.objects.get()
    assert response.headers["Location"] == url("change", change)
    page = sign_in(mate).get(url("change", change)).content.decode()
    assert "somebody else has to approve" in page and 'value="approve"' not in page
    client = sign_in(owner)
    page = client.get(url("change", change)).content.decode()
    assert 'value="approve"' in page and 'value="merge"' not in page
    client.post(url("change-do", change), {"act": "approve"})
    assert "Approved by" in client.get(url("change", change)).content.decode()
    client.post(url("change-do", change), {"act": "merge"})
    assert Label.objects.get().version.number == 2
    assert "Merged" in client.get(url("change", change)).content.decode()


def test_ones_own_request_is_not_approved_by_oneself(sign_in, guarded, mate):
    asked(sign_in(mate), guarded)
    change = ChangeRequest.objects.get()
    response = sign_in(mate).post(url("change-do", change), {"act": "approve"}, follow=True)
    assert response.status_code == 200
    assert ChangeRequest.objects.get().state == "open"


def test_the_same_question_twice_is_refused_with_what_was_typed(sign_in, guarded, mate):
    asked(sign_in(mate), guarded)
    again = asked(sign_in(mate), guarded, note="Kept as typed")
    assert again.status_code == 422
    assert "Kept as typed" in again.content.decode()
    assert ChangeRequest.objects.count() == 1


def test_a_request_is_talked_over_and_closed(sign_in, guarded, owner, mate):
    asked(sign_in(mate), guarded)
    change = ChangeRequest.objects.get()
    sign_in(owner).post(url("change-do", change), {"act": "say", "text": "Not yet"})
    assert Comment.objects.get().change == change
    empty = sign_in(owner).post(url("change-do", change), {"act": "say", "text": " "})
    assert empty.status_code == 422 and "Write something first." in empty.content.decode()
    sign_in(mate).post(url("change-do", change), {"act": "close"})
    assert ChangeRequest.objects.get().state == "closed"
    assert Label.objects.get().version.number == 1


def test_runs_are_attached_as_evidence_and_taken_off(sign_in, guarded, owner, mate, runs):
    head = Prompt.objects.get().head
    use = runs.add(head, timezone.now(), excerpt="A fine answer", user=None)
    asked(sign_in(mate), guarded)
    change = ChangeRequest.objects.get()
    client = sign_in(owner)
    assert "Attach runs of version 2" in client.get(url("change", change)).content.decode()
    client.post(url("change-do", change), {"act": "attach", "evidence": [use.subject]})
    page = client.get(url("change", change)).content.decode()
    assert "A fine answer" in page and "No run is attached" not in page
    client.post(url("change-do", change), {"act": "detach", "evidence": use.subject})
    assert "No run is attached" in client.get(url("change", change)).content.decode()


def test_a_viewer_reads_a_request_and_decides_nothing(sign_in, guarded, owner, viewer):
    head = Prompt.objects.get().head
    change = reviews.open(guarded, "production", head, owner, title="Better")
    client = sign_in(viewer)
    page = client.get(url("change", change)).content.decode()
    assert "Better" in page and 'value="approve"' not in page
    for act in ("approve", "merge", "close", "say", "attach"):
        response = client.post(url("change-do", change), {"act": act, "text": "x"})
        assert response.status_code == 403, act


def test_the_prompt_tells_of_its_open_requests(sign_in, guarded, owner, mate):
    asked(sign_in(mate), guarded)
    assert "Waits for an approval." in sign_in(owner).get(url("prompt", guarded)).content.decode()


def test_runs_are_listed_with_what_is_known_and_unknown_stays_unknown(sign_in, make, owner, runs):
    prompt = make()
    at = timezone.now()
    runs.add(prompt.head, at, excerpt="Hello Ana", tokens=1240, latency_ms=820, values={"name": "Ana"})
    runs.add(prompt.head, at - timedelta(hours=1), excerpt="Hello Bo")
    page = sign_in(owner).get(url("runs", prompt)).content.decode()
    for told in ("Hello Ana", "1,240", "820 ms", "name: Ana", "unknown"):
        assert told in page


def test_an_answer_is_listed_as_plain_words(sign_in, make, owner, runs):
    prompt = make()
    answer = (
        "## For you\n\n- **warm** `tea_pot`\n- [cold](https://a.example/)\n\n```\n2 * 3 < 7\n```\n<b>raw</b>"
    )
    runs.add(prompt.head, timezone.now(), excerpt="## For you - **warm**", answer=answer)
    page = sign_in(owner).get(url("runs", prompt)).content.decode()
    assert "<bdi>For you warm tea_pot cold 2 * 3 &lt; 7 &lt;b&gt;raw&lt;/b&gt;</bdi>" in page


@pytest.mark.parametrize(
    "before", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "soon", "%00"]
)
def test_a_time_that_is_none_begins_at_the_newest(database, sign_in, make, owner, runs, before):
    prompt = make()
    runs.add(prompt.head, timezone.now(), excerpt="Hello Ana")
    page = sign_in(owner).get(f"{url('runs', prompt)}?before={before}").content.decode()
    assert "Hello Ana" in page


def test_runs_narrow_to_a_version_and_go_on(sign_in, make, save, owner, runs, monkeypatch):
    monkeypatch.setattr("playground.library.views_runs.PAGE", 1)
    prompt = make()
    first, at = prompt.head, timezone.now()
    runs.add(first, at - timedelta(hours=1), excerpt="Of the old")
    runs.add(save(prompt), at, excerpt="Of the new")
    client = sign_in(owner)
    assert "Of the old" in client.get(url("runs", prompt) + "?version=1&only").content.decode()
    page = client.get(url("runs", prompt)).content.decode()
    assert "Of the new" in page and "Of the old" not in page
    query = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "Of the old" in client.get(url("runs", prompt) + query).content.decode()
    assert client.get(url("runs", prompt) + "?before=nonsense").status_code == 200


def test_a_run_is_kept_as_an_example_and_removed(sign_in, make, owner, runs):
    prompt = make()
    use = runs.add(prompt.head, timezone.now(), values={"name": "Ana"})
    client = sign_in(owner)
    client.post(url("examples", prompt), {"act": "keep", "subject": use.subject, "name": "Ana"})
    kept = Example.objects.get()
    assert (kept.name, kept.values) == ("Ana", {"name": "Ana"})
    unknown = client.post(url("examples", prompt), {"act": "keep", "subject": "run:0", "name": "x"})
    assert unknown.status_code == 404
    client.post(url("examples", prompt), {"act": "remove", "example": str(kept.pk)})
    assert not Example.objects.exists()


def test_all_examples_run_and_the_answers_stand_side_by_side(sign_in, make, save, owner, runs):
    prompt = make()
    first = prompt.head
    for name in ("Ana", "nobody"):
        examples.keep(prompt, owner, name, {"name": name})
    new = save(prompt)
    runs.add(first, timezone.now(), values={"name": "Ana"}, answer="Hello Ana")
    client = sign_in(owner)
    response = client.post(url("examples", prompt), {"act": "run", "number": "2"}, follow=True)
    page = response.content.decode()
    assert runs.started == [{"name": "Ana"}]
    assert "1 run of version 2 began." in page and "Nobody is not greeted." in page
    runs.add(new, timezone.now(), values={"name": "Ana"}, answer="Good day Ana", state="running", ended=False)
    table = client.get(url("runs", prompt) + "?a=1&b=2", HTTP_HX_TARGET="answers", **HTMX).content.decode()
    assert "<html" not in table
    assert "Hello Ana" in table and "Good day Ana" in table and "every 3s" in table
    assert table.count("Not run") == 2


def attempt(client: Any, prompt: Prompt, **data: Any) -> Any:
    return client.post(url("try", prompt), {"v-sent": "1", "number": "1", "act": "run"} | data)


def test_trying_asks_for_the_values_and_runs(sign_in, make, owner, runs):
    prompt = make()
    client = sign_in(owner)
    assert 'name="v-name"' in client.get(url("try", prompt)).content.decode()
    response = attempt(client, prompt, **{"v-name": "Ana"})
    assert response.headers["Location"] == "/chat/1"
    assert runs.started == [{"name": "Ana"}]


def test_a_missing_value_is_said_at_its_field_and_nothing_runs(sign_in, make, owner, runs):
    response = attempt(sign_in(owner), make(), **{"v-name": ""})
    assert response.status_code == 422
    page = response.content.decode()
    assert 'data-variable="name"' in page and "has-error" in page
    assert runs.started == []


def test_what_the_kind_refuses_is_said_on_the_form(sign_in, make, owner, runs):
    response = attempt(sign_in(owner), make(), **{"v-name": "nobody"})
    assert response.status_code == 422
    assert "Nobody is not greeted." in response.content.decode()


def test_htmx_shows_the_answer_in_place_once_it_is_there(sign_in, make, owner, runs):
    prompt = make()
    client = sign_in(owner)
    response = client.post(
        url("try", prompt), {"v-sent": "1", "number": "1", "act": "run", "v-name": "Ana"}, **HTMX
    )
    page = response.content.decode()
    assert "It is on its way" in page and "every 2s" in page
    again = page.split('hx-get="')[-1].split('"')[0].replace("&amp;", "&")
    runs.add(prompt.head, timezone.now(), user=owner, answer="Hello Ana")
    done = client.get(again, **HTMX).content.decode()
    assert "Hello Ana" in done and "every 2s" not in done and "<html" not in done


def test_values_are_kept_as_an_example_from_the_form(sign_in, make, owner, runs):
    prompt = make()
    client = sign_in(owner)
    attempt(client, prompt, act="keep", example="Ana", **{"v-name": "Ana"})
    kept = Example.objects.get()
    assert kept.values == {"name": "Ana"}
    form = client.get(url("try", prompt) + f"?example={kept.pk}").content.decode()
    assert 'value="Ana"' in form
    assert attempt(client, prompt, act="keep", example=" ", **{"v-name": "Ana"}).status_code == 422


def test_only_keys_that_one_may_use_are_offered(sign_in, make, team, owner, mate, runs):
    for user, shared, label in ((owner, False, "Mine"), (mate, False, "Theirs"), (mate, True, "Team")):
        GatewayKey.objects.create(
            team=team, owner=user, shared=shared, label=label, base_url="http://127.0.0.1:9"
        )
    page = sign_in(owner).get(url("try", make())).content.decode()
    assert "Mine" in page and "Theirs" not in page and "Team (team)" in page
