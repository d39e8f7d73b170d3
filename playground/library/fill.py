"""Filling a version: its variables by values, its insertions by other prompts, within limits.

An insertion is the text of another chat prompt: its first message, or its system text when it has none.
Whoever fills sees only what they may see; that they may *run* the prompt is asked by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Team, User
from playground.gateway.assembly import storable
from playground.library import finding, variables
from playground.library.kinds import CHAT, Body
from playground.library.models import PromptVersion
from playground.library.variables import Insertion, Variable

DEEPEST, MOST_INSERTIONS, LONGEST = 8, 100, 1_000_000
TOO_LONG = f"The filled prompt would be longer than {LONGEST:,} characters."


@dataclass(frozen=True, slots=True)
class Filled:
    """`body` without variables; `used` are the versions whose text went in, the version itself first;
    `values` the values by name that were given for its variables, for recording with the run.
    """

    body: Body
    used: list[PromptVersion]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Errors:
    """Sentences by the name of the variable; "" is for what belongs to no field (insertions, size)."""

    by_name: dict[str, str]


class Refused(Exception):
    """An insertion that cannot be followed; says why in a sentence."""


def filled(version: PromptVersion, values: Mapping[str, Any], user: User | None) -> Filled | Errors:
    """The version as it goes to the gateway. `user` None is a team token."""
    try:
        tree = Tree.of(version, user)
    except Refused as error:
        return Errors({"": str(error)})
    wanted = tree.variables()
    texts, errors = variables.check(wanted, values)
    if errors:
        return Errors(errors)
    texts = {name: storable(text) for name, text in texts.items()}
    try:
        body = _Filling(tree, texts).body()
    except variables.TooLong:
        return Errors({"": TOO_LONG})
    given = {one.name: values[one.name] for one in wanted if one.name in values}
    return Filled(body, [version, *dict.fromkeys(tree.inserted.values())], given)


def variables_of(version: PromptVersion, user: User | None) -> list[Variable]:
    """What a form for this version asks for: its own variables and those of the prompts it inserts, as far
    as they can be followed.
    """
    try:
        return Tree.of(version, user).variables()
    except Refused:
        return variables.read(version.body)


def cycle(body: Body, team: Team, slug: str, user: User | None) -> str:
    """Why a prompt of this slug may not say this, or "": it would insert itself. What cannot be followed
    otherwise is no reason: it may come to be.
    """
    tree = Tree(team, user, body)
    try:
        tree.follow(body, (slug,))
    except Cycle as error:
        return str(error)
    except Refused:
        return ""
    return ""


class Cycle(Refused):
    """A prompt that inserts itself, straight or by way of others."""


@dataclass(slots=True)
class Tree:
    """A body and all that it inserts, each insertion found once."""

    team: Team
    user: User | None
    body: Body
    inserted: dict[Insertion, PromptVersion] = field(default_factory=dict)
    levels: dict[Insertion, int] = field(default_factory=dict)

    @classmethod
    def of(cls, version: PromptVersion, user: User | None) -> Tree:
        """Raises Refused."""
        tree = cls(version.prompt.team, user, version.body)
        tree.follow(version.body, (version.prompt.slug,))
        return tree

    def follow(self, body: Mapping[str, Any], above: tuple[str, ...]) -> int:
        """Find what the body inserts, and what that does; `above` are the slugs that led here. How many
        levels there are below.
        """
        below = 0
        for insertion in variables.insertions(body):
            # A prompt's first version names what cannot be found yet, and what is found may have an old name.
            _refuse_cycle(insertion.slug, above)
            version = self.inserted.get(insertion) or self._find(insertion)
            slug = version.prompt.slug
            _refuse_cycle(slug, above)
            if insertion not in self.inserted:
                self.inserted[insertion] = version
                if len(self.inserted) > MOST_INSERTIONS:
                    raise Refused(f"More than {MOST_INSERTIONS} prompts are inserted.")
                self.levels[insertion] = self.follow(_said(version), (*above, slug))
            below = max(below, self.levels[insertion] + 1)
            if len(above) + below > DEEPEST:
                raise Refused(f"Insertions go deeper than {DEEPEST} prompts.")
        return below

    def variables(self) -> list[Variable]:
        """Of the body, then of what it inserts; what was declared anywhere goes before what was not."""
        found = {one.name: one for one in variables.read(self.body)}
        for version in self.inserted.values():
            named = set(variables.find(_said(version)))
            for one in variables.read(version.body):
                known = found.get(one.name)
                if one.name in named and (known is None or (one.declared and not known.declared)):
                    found[one.name] = one
        return list(found.values())

    def _find(self, insertion: Insertion) -> PromptVersion:
        number = int(insertion.label) if insertion.label.isascii() and insertion.label.isdigit() else None
        label = insertion.label if number is None else ""
        try:
            version = finding.resolve(self.team, insertion.slug, label or None, number, self.user)
        except finding.Missing as error:
            raise Refused(f"“{{{{> {insertion}}}}}” cannot be inserted: {error}") from None
        if version.prompt.kind != CHAT:
            raise Refused(f"“{{{{> {insertion}}}}}” cannot be inserted: it is no chat prompt.")
        return version


def _refuse_cycle(slug: str, above: tuple[str, ...]) -> None:
    if slug in above:
        raise Cycle(f"“{slug}” inserts itself: {' → '.join([*above[above.index(slug) :], slug])}.")


@dataclass(slots=True)
class _Filling:
    tree: Tree
    texts: Mapping[str, str]
    ready: dict[Insertion, str] = field(default_factory=dict)
    length: int = 0

    def body(self) -> Body:
        return variables.replaced(self.tree.body, self._text)

    def _text(self, text: str) -> str:
        new = variables.fill(text, self.texts, self._insert, LONGEST - self.length)
        self.length += len(new)
        return new

    def _insert(self, insertion: Insertion) -> str:
        """Each is filled once, however often it stands there: otherwise ten in ten in ten would never end."""
        if insertion not in self.ready:
            text = text_of(self.tree.inserted[insertion].body)
            self.ready[insertion] = variables.fill(text, self.texts, self._insert, LONGEST)
        return self.ready[insertion]


def _said(version: PromptVersion) -> Body:
    """Only the text that is inserted counts, not what else the prompt holds."""
    return {"messages": [{"text": text_of(version.body)}]}


def text_of(body: Mapping[str, Any]) -> str:
    """What of a chat prompt is inserted."""
    messages, settings = body.get("messages"), body.get("settings")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and str(message.get("text") or "").strip():
            return str(message["text"])
    return str(settings.get("system") or "") if isinstance(settings, dict) else ""
