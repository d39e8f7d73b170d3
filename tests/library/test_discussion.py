"""What is said about versions, to whom, and who has read it."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.models import Membership, Role, User
from playground.library import discussion, reviews, sharing
from playground.library.models import Comment, Level

pytestmark = pytest.mark.usefixtures("no_kinds")


def test_a_comment_belongs_to_a_version_and_to_the_prompts_discussion(make, save, owner, mate):
    prompt = make()
    discussion.say(prompt.head, owner, " one\r\ntwo ")
    second = save(prompt)
    discussion.say(second, mate, "three")
    assert [(one.text, one.version.number, str(one.author)) for one in discussion.of(prompt)] == [
        ("one\ntwo", 1, "Olivia"),
        ("three", 2, "Miguel"),
    ]
    assert [one.text for one in discussion.of(prompt, second)] == ["three"]


def test_what_is_said_on_a_request_stands_there_alone(make, save, owner, mate):
    prompt = make()
    change = reviews.open(prompt, "qa", save(prompt), owner, title="x")
    discussion.say(change.version, mate, "why?", change)
    assert discussion.of(prompt) == []
    assert [one.text for one in discussion.on(change)] == ["why?"]
    with pytest.raises(ValueError, match="another prompt"):
        discussion.say(make("Other").head, mate, "why?", change)


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001])
def test_nothing_and_too_much_are_refused(make, owner, text):
    with pytest.raises(ValueError, match=r"\.$"):
        discussion.say(make().head, owner, text)


def test_viewers_read_and_strangers_do_not_even_that(make, viewer, stranger):
    prompt = make()
    with pytest.raises(PermissionDenied):
        discussion.say(prompt.head, viewer, "x")
    with pytest.raises(Http404):
        discussion.say(prompt.head, stranger, "x")
    assert not Comment.objects.exists()


def test_only_its_author_changes_a_comment_and_who_owns_the_prompt_may_remove_it(make, owner, mate):
    prompt = make()
    comment = discussion.say(prompt.head, mate, "one @olivia")
    with pytest.raises(PermissionDenied):
        discussion.edit(comment, owner, "two")
    discussion.edit(comment, mate, "two @miguel")
    assert (comment.text, list(comment.mentions.all())) == ("two @miguel", [mate])
    assert comment.edited_at
    mine = discussion.say(prompt.head, owner, "mine")
    with pytest.raises(PermissionDenied):
        discussion.unsay(mine, mate)
    discussion.unsay(comment, owner)
    discussion.unsay(mine, owner)
    assert not Comment.objects.exists()


def test_only_those_who_see_the_prompt_are_mentioned(make, owner, mate, viewer, stranger):
    prompt = make()
    text = "@miguel, (@VERA) @vera@example.com: @sam a@miguel @olivia. @nobody @@vera"
    assert set(discussion.say(prompt.head, owner, text).mentions.all()) == {mate, viewer, owner}
    hidden = make("Hidden", shared=False)
    sharing.share(hidden, owner, Level.VIEW, person=viewer)
    assert set(discussion.say(hidden.head, owner, text).mentions.all()) == {viewer, owner}


def test_a_handle_that_two_have_is_their_whole_address(make, team, owner, mate):
    other = User.objects.create_user("miguel@example.org")
    Membership.objects.create(team=team, user=other, role=Role.MEMBER)
    assert [handle for handle, _ in discussion.handles(team)] == [
        "miguel@example.com",
        "miguel@example.org",
        "olivia",
        "vera",
    ]
    prompt = make()
    assert not discussion.say(prompt.head, owner, "@miguel").mentions.exists()
    assert set(discussion.say(prompt.head, owner, "@miguel@example.org!").mentions.all()) == {other}


def test_unread_is_what_others_said_since_one_looked(make, owner, mate, viewer):
    prompt = make()
    discussion.say(prompt.head, owner, "mine")
    discussion.say(prompt.head, mate, "theirs @olivia")
    assert [discussion.unread(prompt, user) for user in (owner, mate, viewer)] == [1, 1, 2]
    assert [one.text for one in discussion.mentioned(prompt.team, owner)] == ["theirs @olivia"]
    for _ in range(2):
        discussion.see(prompt, owner)
    assert discussion.unread(prompt, owner) == 0
    assert discussion.mentioned(prompt.team, owner) == []
    assert discussion.unread(prompt, viewer) == 2
    discussion.say(prompt.head, mate, "again")
    assert discussion.unread(prompt, owner) == 1


def test_a_mention_in_what_one_may_not_see_any_more_is_not_told(make, owner, mate):
    prompt = make()
    discussion.say(prompt.head, owner, "@miguel")
    assert len(discussion.mentioned(prompt.team, mate)) == 1
    sharing.reach(prompt, owner, "private", Level.VIEW)
    assert discussion.mentioned(prompt.team, mate) == []


def test_reading_costs_the_same_for_one_comment_as_for_many(make, owner, mate, django_assert_num_queries):
    prompt = make()
    for _ in range(5):
        discussion.say(prompt.head, mate, "@olivia")
    with django_assert_num_queries(2):
        assert [
            (str(one.author), one.version.number, list(one.mentions.all())) for one in discussion.of(prompt)
        ]
    with django_assert_num_queries(2):
        assert [str(one.version.prompt) for one in discussion.mentioned(prompt.team, owner)]
