"""A comparison as a Markdown document."""

from __future__ import annotations

from accounts.models import User
from playground.chat.models import Run, Turn
from playground.compare import lanes
from tests.compare.asking import Compared, SignIn, answer_of, url

KEY = "sk-" + "a1B2" * 12
PLACES = ("## Question 1", "\nQuestion 1?\n", "## Question 2", "\nQuestion 2?\n")


def test_it_holds_every_question_and_answer_and_the_figures_of_the_last(
    sign_in: SignIn, owner: User, compared: Compared
) -> None:
    talk = compared(owner, "m-1", "m|2", rounds=2)
    Run.objects.filter(conversation=talk).update(first_token_ms=120)
    Turn.objects.filter(pk=answer_of(talk, "m-1")).update(text=f"Never ```say``` {KEY}")
    lanes.choose(talk, 2)
    response = sign_in(owner).get(url("markdown", talk))
    assert response.headers["Content-Type"].startswith("text/markdown")
    assert response.headers["Content-Disposition"].startswith("attachment")
    text = response.content.decode()
    places = [text.index(part) for part in PLACES]
    assert places == sorted(places)
    assert text.count("### m-1\n") == text.count("### m|2") == 2
    assert text.count("the best") == 1
    assert "````\nNever ```say``` " in text
    assert KEY not in text
    assert "|  | m-1 | m\\|2 |" in text
    assert "| First token | 120 ms | 120 ms |" in text


def test_what_did_not_come_to_an_end_says_so(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk = compared(owner)
    Run.objects.filter(conversation=talk, model="m-1").update(
        status="failed", error_kind="rate_limited", error_message="secret words"
    )
    Run.objects.filter(conversation=talk, model="m-2").update(status="stopped")
    text = sign_in(owner).get(url("markdown", talk)).content.decode()
    assert "Too many requests" in text
    assert "secret words" not in text
    assert "\nStopped\n" in text


def test_a_blind_one_names_columns(sign_in: SignIn, owner: User, compared: Compared) -> None:
    talk = compared(owner)
    talk.comparison |= {"blind": True}
    talk.save()
    Turn.objects.filter(conversation=talk, role="assistant").update(text="Blue.")
    text = sign_in(owner).get(url("markdown", talk)).content.decode()
    assert "### Model 1\n" in text
    assert "m-1" not in text


def test_strangers_get_none(sign_in: SignIn, owner: User, stranger: User, compared: Compared) -> None:
    talk = compared(owner)
    assert sign_in(stranger).get(url("markdown", talk)).status_code == 404
