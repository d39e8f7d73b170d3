"""Many at once, on each kind of database: nothing is lost, doubled or overwritten, and nobody is turned away
with an error.
"""

from __future__ import annotations

from tests._servers.apart import Run

BEGIN = """
import django, secrets
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.db import connection
from accounts.models import Membership, Role, Team, User
from playground.library import labels, prompts, reviews, shelves, versions
from playground.library.models import Prompt, PromptVersion
slug = secrets.token_hex(8)
team = Team.objects.create(name="T", slug=slug)
people = [User.objects.create_user(f"{n}@{slug}.example") for n in range(8)]
for person in people:
    Membership.objects.create(team=team, user=person, role=Role.MEMBER)
def chat(text):
    return {"messages": [{"role": "user", "text": text}]}
prompt = prompts.create(team, people[0], kind="chat", title="P", body=chat("one"), shared=True)
first = prompt.head
together = Barrier(8)
def at_once(act):
    def one(number):
        together.wait()
        try:
            return act(number, people[number])
        finally:
            connection.close()
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(8)))
"""

SAVES = """
def save(number, user):
    mine = Prompt.objects.get(pk=prompt.pk)
    answer = versions.save(mine, chat(f"by {number}"), "", user, 1)
    return type(answer).__name__, answer.theirs.number if hasattr(answer, "theirs") else answer.number
answers = at_once(save)
print(sorted(answers) == [("Conflict", 2)] * 7 + [("PromptVersion", 2)])
prompt.refresh_from_db()
print(prompt.head.number, prompt.versions.count(), prompt.head.body["messages"][0]["text"] in prompt.text)

def until_saved(number, user):
    mine, base, tries = Prompt.objects.get(pk=prompt.pk), 2, 0
    while True:
        answer = versions.save(mine, chat(f"again by {number}"), "", user, base)
        if isinstance(answer, PromptVersion):
            return answer.number
        base = answer.theirs.number
print(sorted(at_once(until_saved)), prompt.versions.count())
prompt.refresh_from_db()
print(prompt.head.number)
"""


def test_of_eight_who_save_at_once_one_wins_and_the_others_are_told(apart: Run) -> None:
    assert apart(SAVES) == "True\n2 2 True\n[3, 4, 5, 6, 7, 8, 9, 10] 10\n10\n"


LABELS = """
made = [first]
for n in range(7):
    made.append(versions.save(prompt, chat(f"v{n}"), "", people[0], made[-1].number))
def point(number, user):
    return labels.point(Prompt.objects.get(pk=prompt.pk), "production", made[number], user).version.number
print(len(at_once(point)), prompt.labels.count(), prompt.labels.get().version in made)

labels.point(prompt, "qa", first, people[0])
change = reviews.open(prompt, "qa", made[5], people[0], title="x")
reviews.approve(change, people[1])
def merge(number, user):
    try:
        reviews.merge(reviews.ChangeRequest.objects.get(pk=change.pk), user)
    except reviews.Refused:
        return "refused"
    return "merged"
print(sorted(at_once(merge)), prompt.labels.get(name="qa").version.number)
"""


def test_a_label_is_never_doubled_and_a_review_is_merged_once(apart: Run) -> None:
    assert apart(LABELS) == f"8 1 True\n{['merged'] + ['refused'] * 7} 6\n"


NAMES = """
def make(number, user):
    made = prompts.create(team, user, kind="chat", title="Same", body=chat("x"), tags=["new"])
    shelves.make_folder(team, user, "Folder")
    prompts.favour(prompt, user)
    return made.slug
print(sorted(at_once(make)))
print(team.prompt_tags.count(), team.prompt_folders.count(), prompt.favourites.count())
"""


def test_equal_names_made_at_once_get_slugs_of_their_own_and_share_tag_and_folder(apart: Run) -> None:
    slugs = ["same", *(f"same-{place}" for place in range(2, 9))]
    assert apart(NAMES) == f"{slugs}\n1 1 8\n"


WAITS = """
from playground.library import examples, kinds, waiting
from playground.library.models import Waiting
began, places = [], [0]
def run(version, values, user, key):
    began.append(values["n"])
    return "/"
kinds.register(kinds.Kind("chat", "", "", None, None, None, run=run, room=lambda user: places[0]))
for n in range(5):
    examples.keep(prompt, people[0], f"{n}", {"n": n})
waits = examples.run_all(first, people[0]).waiting
places[0] = 1
at_once(lambda number, user: waiting.begin())
print(waits, sorted(began), Waiting.objects.count())
"""


def test_what_waits_begins_once_however_many_processes_look(apart: Run) -> None:
    assert apart(WAITS) == "['0', '1', '2', '3', '4'] [0, 1, 2, 3, 4] 0\n"


DRAFTS = """
from django.http import QueryDict
from playground.library import unsaved
from playground.library.models import Draft
def keep(number, user):
    typed = QueryDict(f"kind=chat&base=1&role=user&text=tab+{number}")
    for about in (prompt, None):
        unsaved.keep(people[0], team, about, "chat", typed)
    return user is not None
print(all(at_once(keep)), Draft.objects.count())
"""


def test_tabs_that_keep_their_text_at_once_keep_one_draft(apart: Run) -> None:
    assert apart(DRAFTS) == "True 2\n"
