"""The list of prompts: what is in it, in which order, found by which words, at which cost."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from playground.library import bulk, discussion, labels, listing, prompts, sharing, shelves
from playground.library.listing import Filters
from playground.library.models import Level, Prompt, Reach

pytestmark = pytest.mark.usefixtures("no_kinds")


@pytest.fixture
def titles(team, owner):
    """Titles found, in their order; by page when a limit is given."""

    def find(limit=50, user=owner, home=team, **wanted):
        found, mark = [], ""
        while True:
            page = listing.page(home, user, Filters(**wanted), mark, limit)
            found += [row.prompt.title for row in page.rows]
            assert len(page.rows) <= limit
            if not (mark := page.next_mark):
                return found

    return find


def test_the_last_changed_stands_first_and_sorts_are_kept_over_pages(database, make, save, titles):
    made = [make(title) for title in ("delta", "Alpha", "charlie", "Bravo", "alpha")]
    save(made[1])
    changed = ["Alpha", "alpha", "Bravo", "charlie", "delta"]
    for limit in (1, 2, 3, 50):
        assert titles(limit) == changed
        assert titles(limit, sort="created") == ["alpha", "Bravo", "charlie", "Alpha", "delta"]
        assert [title.lower() for title in titles(limit, sort="title")] == [
            "alpha",
            "alpha",
            "bravo",
            "charlie",
            "delta",
        ]
    assert titles(sort="nonsense") == changed


def test_a_mark_of_other_filters_or_of_somebody_else_begins_anew(make, team, owner, mate):
    for title in "abc":
        make(title)
    page = listing.page(team, owner, Filters(), limit=1)
    assert page.first
    behind = listing.page(team, owner, Filters(), page.next_mark, 1)
    assert (behind.rows[0].prompt.title, behind.first) == ("b", False)
    for user, filters, mark in (
        (mate, Filters(), page.next_mark),
        (owner, Filters(kind="chat"), page.next_mark),
        (owner, Filters(), page.next_mark[:-1]),
        (owner, Filters(), "x"),
    ):
        anew = listing.page(team, user, filters, mark, 1)
        assert (anew.rows[0].prompt.title, anew.first) == ("c", True)


def test_each_filter_narrows(make, save, titles, team, owner, mate):
    work = shelves.make_folder(team, owner, "Work")
    mail = shelves.make_folder(team, owner, "Mail", work)
    letter = make("letter", folder=mail, tags=["Post"])
    boat = make("boat", kind="image", body={"values": {}}, folder=work)
    mates = make("mates", user=mate)
    old = make("old")
    prompts.archive(old, owner)
    labels.point(letter, "production", letter.head, owner)
    prompts.favour(boat, owner)
    discussion.say(mates.head, mate, "look")
    assert sorted(titles()) == ["boat", "letter", "mates"]
    for wanted, found in (
        ({"archived": True}, ["old"]),
        ({"kind": "image"}, ["boat"]),
        ({"tag": "post"}, ["letter"]),
        ({"tag": "nothing"}, []),
        ({"label": "production"}, ["letter"]),
        ({"owner": str(mate.pk)}, ["mates"]),
        ({"owner": "x"}, []),
        ({"favourite": True}, ["boat"]),
        ({"unread": True}, ["mates"]),
        ({"folder": str(mail.pk)}, ["letter"]),
        ({"folder": str(work.pk)}, ["boat", "letter"]),
        ({"folder": "top"}, ["mates"]),
        ({"folder": "x"}, []),
        ({"words": "boat", "kind": "image", "favourite": True}, ["boat"]),
        ({"words": "boat", "kind": "chat"}, []),
    ):
        assert sorted(titles(**wanted)) == found, wanted
    assert titles(favourite=True, user=mate) == []
    assert titles(unread=True, user=mate) == []


def test_words_are_found_in_titles_slugs_texts_and_notes(database, make, save, titles, owner):
    prompt = make("Greeting", "Hello {{name}}, welcome to Größenwahn", about="says hi", slug="salutation")
    save(prompt, "Good day", note="less shouting")
    make("Other", "nothing of it")
    for words in (
        "greeting",
        "GREET",
        "salut",
        "says",
        "good day",
        "day good",
        "shouting",
        "less-shout",
        "'good",
    ):
        assert titles(words=words) == ["Greeting"], words
    for words in ("hello", "reeting", "good night", "absent"):
        assert titles(words=words) == [], words
    prompts.rename(prompt, owner, title="Farewell", about="", slug="bye")
    assert (titles(words="greeting"), titles(words="says"), titles(words="fare")) == ([], [], ["Farewell"])
    prompts.delete(prompt, owner)
    assert titles(words="farewell") == []


def test_scripts_without_spaces_are_found_anywhere(database, make, titles):
    make("挨拶の手紙", "東京都から始める")
    assert titles(words="手紙") == ["挨拶の手紙"]
    assert titles(words="京都 手紙") == ["挨拶の手紙"]
    assert titles(words="大阪") == []
    make("GPTで書く", "Émile が ABC を書く")
    for words in ("gptで", "GPTで", "書く abc を", "で書く"):
        assert titles(words=words) == ["GPTで書く"], words


@pytest.mark.parametrize(
    "words", ["'", '"', "\\", "& | !", ":*", "a:*b", "NEAR(a b)", "\0", "\ud800", "%", "_", "-"]
)
def test_signs_of_a_query_language_are_only_signs(database, make, titles, words):
    make("plain")
    assert titles(words=words) in ([], ["plain"])
    assert titles(words=f"plain {words}") in ([], ["plain"])


def test_words_of_another_team_are_not_found(make, titles, owner, team):
    make("Secret", team=owner.personal_team)
    assert titles(words="secret") == []
    assert titles(words=f"secret t{owner.personal_team.pk.hex}") == []
    assert titles(words="secret", home=owner.personal_team) == ["Secret"]


def test_what_one_may_not_see_is_in_no_list_tree_or_choice(make, titles, team, owner, mate, stranger):
    folder = shelves.make_folder(team, owner, "Work")
    make("hidden", shared=False, folder=folder)
    shared = make("shared", shared=False)
    sharing.share(shared, owner, Level.VIEW, person=mate)
    assert titles(user=mate) == ["shared"]
    assert titles(user=mate, words="hidden") == []
    assert titles(user=stranger) == []
    assert [(branch.folder.name, branch.prompts) for branch in listing.tree(team, mate)] == [("Work", 0)]
    assert [(branch.folder.name, branch.prompts) for branch in listing.tree(team, owner)] == [("Work", 1)]
    assert listing.suggest(team, mate, "") == []
    assert listing.owners(team, stranger) == []
    assert [str(one) for one in listing.owners(team, mate)] == ["Olivia"]


def test_a_row_says_everything_about_its_prompt(make, save, runs, team, owner, mate):
    prompt = make("Greeting", tags=["b", "A"])
    labels.point(prompt, "production", prompt.head, owner)
    version = save(prompt)
    at = timezone.now()
    runs.add(version, at)
    prompts.favour(prompt, owner)
    discussion.say(version, mate, "look")
    (row,) = listing.page(team, owner, Filters()).rows
    assert (row.tags, row.labels, row.favourite, row.unread) == (["A", "b"], [("production", 1)], True, True)
    assert (row.prompt.head.number, row.standing.level, row.last_run_at) == (2, Level.OWN, at)
    discussion.see(prompt, owner)
    assert not listing.page(team, owner, Filters()).rows[0].unread


def test_a_page_costs_the_same_for_one_prompt_as_for_many(make, save, team, owner, mate):
    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            for row in listing.page(
                team, mate, Filters(words="p", folder="top", tag="t", label="production")
            ).rows:
                assert (row.prompt.head.number, str(row.prompt.owner), str(row.prompt.team)) == (
                    1,
                    "Olivia",
                    "Research",
                )
        return len(queries)

    def add(count):
        for _ in range(count):
            prompt = make("P", tags=["t"])
            labels.point(prompt, "production", prompt.head, owner)

    add(1)
    one = cost()
    add(9)
    assert cost() == one <= 10


def test_the_tree_is_in_order_and_costs_three_queries(make, team, owner, django_assert_num_queries):
    b = shelves.make_folder(team, owner, "b")
    for parent, name in ((None, "A"), (b, "z"), (b, "Y")):
        shelves.make_folder(team, owner, name, parent)
    make(folder=b)
    prompts.archive(make(folder=b), owner)
    with django_assert_num_queries(3):
        tree = listing.tree(team, owner)
    assert [(one.folder.name, one.depth, one.prompts) for one in tree] == [
        ("A", 0, 0),
        ("b", 0, 1),
        ("Y", 1, 0),
        ("z", 1, 0),
    ]


def test_a_chooser_offers_what_one_may_run(make, team, owner, mate):
    make("one"), make("two"), make("boat", kind="image", body={})
    sharing.reach(make("look"), owner, Reach.TEAM, Level.VIEW)
    assert [str(one) for one in listing.suggest(team, mate, "", kind="chat")] == ["two", "one"]
    assert [str(one) for one in listing.suggest(team, mate, "on")] == ["one"]
    assert len(listing.suggest(team, mate, "", limit=1)) == 1
    assert listing.tags(team) == []


def test_bulk_acts_do_what_one_may_and_name_the_rest(make, team, owner, mate, stranger):
    mine, open_, hidden, foreign = (
        make("mine", user=mate),
        make("open"),
        make("hidden", shared=False),
        make("far", team=owner.personal_team),
    )
    look = make("look")
    sharing.reach(look, owner, Reach.TEAM, Level.VIEW)
    ids = [prompt.pk for prompt in (mine, open_, hidden, foreign, look)]
    folder = shelves.make_folder(team, owner, "Work")
    assert bulk.archive(team, mate, ids) == bulk.Outcome(2, ["look"])
    assert set(Prompt.objects.exclude(archived_at=None)) == {mine, open_}
    assert bulk.unarchive(team, mate, ids).done == 2
    assert bulk.move(team, mate, ids, folder).done == 2
    assert set(folder.prompts.all()) == {mine, open_}
    for _ in range(2):
        assert bulk.tag(team, mate, ids, "x").done == 2
    assert [str(tag) for tag in mine.tags.all()] == ["x"]
    assert bulk.untag(team, mate, [mine.pk], "X").done == 1
    assert (mine.tags.count(), open_.tags.count()) == (0, 1)
    assert bulk.delete(team, mate, ids) == bulk.Outcome(1, ["look", "open"])
    assert Prompt.objects.count() == 4
    assert bulk.delete(team, stranger, ids) == bulk.Outcome(0, [])
    with pytest.raises(ValueError, match="not the team's"):
        bulk.move(team, mate, ids, shelves.make_folder(owner.personal_team, owner, "x"))
    with pytest.raises(ValueError, match="needs a name"):
        bulk.tag(team, mate, ids, " ")
    with pytest.raises(ValueError, match="at most"):
        bulk.archive(team, mate, range(1001))


def test_bulk_acts_cost_the_same_for_one_as_for_many(make, team, mate):
    ids = [make("p").pk for _ in range(8)]

    def cost(act, chosen):
        with CaptureQueriesContext(connection) as queries:
            act(chosen)
        return len(queries)

    for act in (
        lambda chosen: bulk.archive(team, mate, chosen),
        lambda chosen: bulk.move(team, mate, chosen, None),
        lambda chosen: bulk.tag(team, mate, chosen, "x"),
        lambda chosen: bulk.untag(team, mate, chosen, "x"),
    ):
        act(ids)
        assert cost(act, ids[:1]) == cost(act, ids)
