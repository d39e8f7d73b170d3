from __future__ import annotations

import uuid

import pytest
from django.test import Client

from accounts.models import User

APPEARANCE, ACCOUNT, THEME, TEAM = (
    f"/settings/{page}/" for page in ("appearance", "account", "theme", "team")
)
GOOD = {"theme": "dark", "tz": "Europe/Helsinki", "shortcuts": "on"}


@pytest.mark.parametrize("page", ["/settings/", APPEARANCE, ACCOUNT])
def test_a_visitor_has_no_settings(client, db, page):
    assert client.get(page).url.startswith("/account/login/")


@pytest.mark.parametrize("page", [THEME, TEAM])
def test_a_visitor_changes_nothing(client, db, page):
    assert client.post(page, {"theme": "dark"}).url.startswith("/account/login/")


def test_settings_begin_with_the_keys(client, owner):
    client.force_login(owner)
    assert client.get("/settings/").url == "/settings/keys/"


@pytest.mark.parametrize("page", [APPEARANCE, ACCOUNT])
def test_every_role_has_its_own_settings(client, page, owner, mate, viewer, stranger):
    for user in (owner, mate, viewer, stranger):
        client.force_login(user)
        text = client.get(page).text
        assert 'aria-current="page"' in text
        assert user.email in text or str(user) in text


def test_what_was_chosen_is_saved_and_shown(client, owner):
    client.force_login(owner)
    answer = client.post(APPEARANCE, GOOD, follow=True)
    assert answer.redirect_chain == [(APPEARANCE, 302)]
    assert "Saved." in answer.text
    assert '<option value="Europe/Helsinki" selected>' in answer.text
    owner.refresh_from_db()
    assert (owner.theme, owner.tz, owner.shortcuts) == ("dark", "Europe/Helsinki", True)
    client.post(APPEARANCE, {"theme": "dark", "tz": "Europe/Helsinki"})
    owner.refresh_from_db()
    assert owner.shortcuts is False


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"tz": ""}, "tz"),
        ({"theme": "pink"}, "theme"),
        ({"theme": ""}, "theme"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(client, owner, wrong, field):
    client.force_login(owner)
    page = client.post(APPEARANCE, GOOD | wrong)
    assert page.status_code == 422
    assert f'id="id_{field}_error"' in page.text
    owner.refresh_from_db()
    assert (owner.theme, owner.tz) == ("system", "UTC")


def test_the_frame_of_a_refused_form_shows_what_is_saved(client, owner):
    client.force_login(owner)
    page = client.post(ACCOUNT, {"name": "x" * 101})
    assert page.status_code == 422
    assert page.context["user"].name == "Olivia"


def test_a_name_is_saved_and_may_be_empty(client, owner):
    client.force_login(owner)
    for name in ("Óli <b>", ""):
        client.post(ACCOUNT, {"name": name})
        owner.refresh_from_db()
        assert owner.name == name
    assert "Óli <b>" not in client.get(ACCOUNT).text


def test_nobody_makes_themselves_more_by_extra_fields(client, owner, mate):
    client.force_login(mate)
    for page in (ACCOUNT, APPEARANCE, THEME):
        client.post(
            page, GOOD | {"name": "M", "is_superuser": "on", "email": "x@example.com", "id": str(owner.pk)}
        )
    mate.refresh_from_db()
    assert (mate.is_superuser, mate.email) == (False, "miguel@example.com")
    assert User.objects.get(pk=owner.pk).name == "Olivia"


def test_the_theme_is_set_with_and_without_script(client, owner):
    client.force_login(owner)
    assert client.post(THEME, {"theme": "dark"}, headers={"HX-Request": "true"}).status_code == 204
    answer = client.post(THEME, {"theme": "light"}, headers={"Referer": f"http://testserver{ACCOUNT}"})
    assert answer.url == f"http://testserver{ACCOUNT}"
    owner.refresh_from_db()
    assert owner.theme == "light"
    assert client.post(THEME, {"theme": "pink"}).status_code == 422
    assert client.get(THEME).status_code == 405


def test_a_member_switches_to_the_team_and_back(client, mate, team):
    client.force_login(mate)
    for chosen in (team, mate.personal_team):
        assert client.post(TEAM, {"team": str(chosen.pk)}).url == "/"
        assert client.get(ACCOUNT).context["request"].team == chosen


@pytest.mark.parametrize("which", ["foreign", "unknown", "nonsense", "missing"])
def test_nobody_switches_to_a_team_they_are_not_in(client, stranger, team, which):
    client.force_login(stranger)
    data = {"foreign": str(team.pk), "unknown": str(uuid.uuid4()), "nonsense": "x", "missing": None}[which]
    answer = client.post(TEAM, {"team": data} if data else {})
    assert answer.status_code == 404
    assert "team" not in client.session


def test_times_are_in_the_persons_zone_and_only_for_that_request(client, owner, monkeypatch):
    from django.utils import timezone

    from accounts import views

    User.objects.update(tz="Asia/Tokyo")
    seen: list[str] = []
    render = views.render

    def note(*args, **kwargs):
        seen.append(timezone.get_current_timezone_name())
        return render(*args, **kwargs)

    monkeypatch.setattr(views, "render", note)
    client.force_login(owner)
    client.get(ACCOUNT)
    assert seen == ["Asia/Tokyo"]
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_zone_the_machine_does_not_know_is_utc(client, owner):
    User.objects.update(tz="Mars/Olympus")
    client.force_login(owner)
    assert client.get(ACCOUNT).status_code == 200


def test_forging_is_refused(owner, team):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    for page, data in ((THEME, {"theme": "dark"}), (TEAM, {"team": str(team.pk)}), (ACCOUNT, {"name": "x"})):
        assert strict.post(page, data).status_code == 403
    owner.refresh_from_db()
    assert (owner.theme, owner.name) == ("system", "Olivia")
