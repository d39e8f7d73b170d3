"""What a person can do to a conversation; each act that asks a model ends in one queued run.

Every function is one short transaction. A run is handed to this process's relay when the
transaction has committed; if that fails, a sweep picks the row up.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings as site
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts import audit, keys
from accounts.models import GatewayKey, Team, User
from playground.chat import attachments, drafts, relay, settings_form, spending, tree
from playground.chat.models import Attachment, Conversation, Run, Turn
from playground.chat.origins import Origin, Prompted, Spoken, prompt_behind, prompt_of
from playground.chat.sources import is_sources
from playground.gateway.wire import FAMILIES
from playground.usage.budgets import OverBudget

MAX_IMAGES = 10
TITLE_CHARS = 60


class Refused(Exception):
    """The act cannot be done; the text is a sentence for the person."""


def start(user: User, team: Team, *, id: uuid.UUID, settings: dict[str, Any]) -> Conversation:
    """The conversation with the id the page made up; the same one when the page asks twice."""
    found = Conversation.objects.filter(pk=id).first()
    if found is None:
        try:
            with transaction.atomic():
                return Conversation.objects.create(pk=id, team=team, owner=user, settings=settings)
        except IntegrityError:
            found = Conversation.objects.get(pk=id)
    if found.owner_id != user.pk:
        raise Refused("This chat belongs to somebody else. Start a new one.")
    return found


def ask(
    conversation: Conversation,
    user: User,
    *,
    turn_id: uuid.UUID,
    text: str,
    images: list[dict[str, Any]],
    settings: dict[str, Any],
    origin: Origin | None = None,
) -> Run:
    """Put a question at the end of the shown branch. Sent twice with one `turn_id`, it is asked once."""
    return ask_after(conversation, user, conversation.leaf_id, turn_id, text, images, settings, origin)


def rerun(
    turn: Turn,
    user: User,
    *,
    turn_id: uuid.UUID,
    text: str,
    images: list[dict[str, Any]],
    settings: dict[str, Any],
) -> Run:
    """Ask an edited question beside the one it was made from."""
    if turn.role != Turn.Role.USER:
        raise Refused("Only a question can be asked again in other words.")
    return ask_after(turn.conversation, user, turn.parent_id, turn_id, text, images, settings)


def ask_after(
    conversation: Conversation,
    user: User,
    parent_id: uuid.UUID | None,
    turn_id: uuid.UUID,
    text: str,
    images: list[dict[str, Any]],
    settings: dict[str, Any],
    origin: Origin | None = None,
) -> Run:
    """Put a question below a turn; None begins the conversation."""
    if earlier := Run.objects.filter(asked_id=turn_id, conversation=conversation).first():
        return earlier
    if not text.strip() and not images:
        raise Refused("Write a message, or attach an image.")
    parts = user_parts(conversation.team_id, text, images)
    try:
        with transaction.atomic():
            for said in origin.lead if origin else ():
                parent_id = _say(conversation, parent_id, said).pk
            asked = put(conversation, parent_id, turn_id, text, parts)
            drafts.drop(user, conversation)
            return queue(conversation, user, asked, settings, prompt=prompt_of(origin))
    except IntegrityError:
        # Two equal submits raced; the other one's transaction won.
        if run := Run.objects.filter(asked_id=turn_id, conversation=conversation).first():
            return run
        raise Refused("This message was already sent elsewhere. Reload the page.") from None


def put(
    conversation: Conversation,
    parent_id: uuid.UUID | None,
    turn_id: uuid.UUID,
    text: str,
    parts: list[dict[str, Any]],
) -> Turn:
    """Write a question, which nobody answers yet; the first one gives the conversation its title."""
    if not conversation.title:
        conversation.title = title_from(text) or "Image"
    return Turn.objects.create(
        pk=turn_id,
        conversation=conversation,
        parent_id=parent_id,
        role=Turn.Role.USER,
        parts=parts,
        text=text,
    )


def _say(conversation: Conversation, parent_id: uuid.UUID | None, said: Spoken) -> Turn:
    return Turn.objects.create(
        conversation=conversation, parent_id=parent_id, role=said.role, parts=said.parts, text=said.text
    )


def regenerate(answer: Turn, user: User, *, settings: dict[str, Any]) -> Run:
    """Answer the same question once more, beside the answer that is there."""
    asked = _question_of(answer)
    with transaction.atomic():
        return queue(answer.conversation, user, asked, settings, prompt=prompt_behind(asked=asked))


def go_on(answer: Turn, user: User, *, settings: dict[str, Any]) -> Run:
    """Continue a cut answer: a sibling that begins with the text so far, so the cut one is kept."""
    asked = _question_of(answer)
    run = Run.objects.filter(answer_id=answer.copied_from_id or answer.pk).first()
    if run is not None and run.reason == "paused" and answer.native:
        return _take_up(answer, user, asked, settings)
    if not answer.text.strip():
        raise Refused("There is no text to continue from. Regenerate the answer instead.")
    prefix = [part for part in answer.parts if part.get("kind") != "tool_call"]
    with transaction.atomic():
        return queue(
            answer.conversation,
            user,
            asked,
            settings,
            prefix=prefix,
            begun={"continues": True},
            prompt=prompt_behind(asked=asked),
        )


def _take_up(answer: Turn, user: User, asked: Turn, settings: dict[str, Any]) -> Run:
    """A pause is the provider's: it gets its own content back, as it came, and goes on by itself."""
    if answer.native_for != f"{settings.get('family')} {settings.get('model')}":
        raise Refused("Only the model that paused can go on. Choose it again.")
    begun = {"continues": True, "paused": answer.native}
    with transaction.atomic():
        prompt = prompt_behind(asked=asked)
        return queue(
            answer.conversation, user, asked, settings, prefix=answer.parts, begun=begun, prompt=prompt
        )


def _question_of(answer: Turn) -> Turn:
    if answer.role != Turn.Role.ASSISTANT or answer.parent is None:
        raise Refused("This is not an answer.")
    return answer.parent


def user_parts(team_id: uuid.UUID, text: str, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(images) > MAX_IMAGES:
        raise Refused(f"At most {MAX_IMAGES} images go with one message.")
    wanted = {str(image["attachment"]) for image in images if image.get("attachment")}
    there = {
        str(pk)
        for pk in Attachment.objects.filter(team_id=team_id, pk__in=wanted).values_list("pk", flat=True)
    }
    if wanted - there:
        raise Refused("An attached image is no longer there. Remove it and attach it again.")
    parts: list[dict[str, Any]] = [{"kind": "text", "text": text}] if text.strip() else []
    for image in images:
        where = {name: str(image[name]) for name in ("attachment", "url") if image.get(name)}
        media_type = attachments.media_type_of(where.get("url", ""))
        if media_type is None:
            parts.append({"kind": "image", "alt": str(image.get("alt", "")), **where})
        else:
            parts.append({"kind": "file", "media_type": media_type, **where})
    return parts


def queue(
    conversation: Conversation,
    user: User,
    asked: Turn,
    settings: dict[str, Any],
    *,
    prefix: list[dict[str, Any]] | None = None,
    begun: dict[str, Any] | None = None,
    prompt: Prompted | None = None,
    failed: dict[str, Any] | None = None,
    alone: bool = True,
) -> Run:
    """Write the answer, which begins with `prefix`, and its queued run; inside the caller's transaction.

    `begun` says how the run goes on from the prefix, `prompt` what it is a run of, `failed` after which
    attempt of an earlier run the fallback is asked at once. Only where it is not `alone` may others of the
    conversation be under way.
    """
    key = _usable_key(user, conversation.team_id, settings)
    family, model = str(settings.get("family", "")), str(settings.get("model", "")).strip()
    if family not in FAMILIES:
        raise Refused("Choose what kind of model to ask.")
    if not model:
        raise Refused("Choose a model first.")
    try:
        params = settings_form.sent(settings)
    except ValueError as error:
        raise Refused(str(error)) from None
    if begun and "paused" in begun:
        # What a provider paused nobody else can take up.
        params.pop("fallback", None)
    _check_capacity(conversation, user, alone)
    answer = Turn.objects.create(
        conversation=conversation, parent=asked, role=Turn.Role.ASSISTANT, parts=prefix or []
    )
    run = Run.objects.create(
        team_id=conversation.team_id,
        user=user,
        key=key,
        conversation=conversation,
        asked=asked,
        answer=answer,
        family=family,
        model=model,
        params=params | (begun or {}),
        attempts=[failed] if failed else [],
        **(prompt or {}),
    )
    try:
        spending.set_aside(run)
    except OverBudget as error:
        raise Refused(str(error)) from None
    Conversation.objects.filter(pk=conversation.pk).update(
        leaf=answer, settings=settings, title=conversation.title, updated_at=timezone.now(), archived_at=None
    )
    conversation.leaf = answer
    transaction.on_commit(partial(relay.claim, run.pk))
    transaction.on_commit(partial(relay.tell_asked, run))
    return run


def _usable_key(user: User, team_id: uuid.UUID, settings: dict[str, Any]) -> GatewayKey:
    try:
        wanted = uuid.UUID(str(settings.get("key")))
    except ValueError:
        raise Refused("Choose a key first, or add one in Settings.") from None
    mine = Q(owner=user) | Q(shared=True, team_id=team_id)
    key = GatewayKey.objects.filter(mine, pk=wanted).first()
    if key is None:
        raise Refused(keys.GONE)
    family, model = str(settings.get("family", "")), str(settings.get("model", "")).strip()
    if refusal := keys.refusal(key, user, timezone.now(), family=family, model=model):
        raise Refused(refusal)
    other = settings.get("fallback") or {}
    if other.get("on") and (
        refusal := keys.refusal(key, user, timezone.now(), model=str(other.get("model")))
    ):
        raise Refused(f"The fallback cannot be asked. {refusal}")
    return key


def room(user: User) -> int:
    """How many answers may be begun for the person in the background: a fifth of their places stays free, so
    that they can go on asking meanwhile.
    """
    most = max(1, site.MAX_RUNS_PER_USER - site.MAX_RUNS_PER_USER // 5)
    return most - Run.objects.filter(status__in=Run.LIVE, user=user).count()


def _check_capacity(conversation: Conversation, user: User, alone: bool) -> None:
    # Of two who ask at once the second waits here, and then sees the first one's run.
    list(Conversation.objects.select_for_update().filter(pk=conversation.pk).values_list("pk"))
    live = Run.objects.filter(status__in=Run.LIVE, user=user).aggregate(
        all=Count("pk"), here=Count("pk", filter=Q(conversation=conversation))
    )
    if live["here"] and alone:
        raise Refused("An answer is still being written here. Stop it, or wait for its end.")
    if live["all"] >= site.MAX_RUNS_PER_USER:
        raise Refused(f"At most {site.MAX_RUNS_PER_USER} of your answers are written at once. Wait a while.")


def edit(turn: Turn, user: User, *, text: str) -> Turn:
    """Keep a changed text as a new branch; what followed on the shown branch is copied below it."""
    if turn.role == Turn.Role.TOOL:
        raise Refused("Results are given anew, not edited.")
    if not text.strip():
        raise Refused("The text is empty.")
    _refuse_while_live(turn.conversation)
    with transaction.atomic():
        path = _path(turn.conversation_id, turn.conversation.leaf_id)
        below = path[path.index(turn.pk) + 1 :] if turn.pk in path else []
        rows = {row.pk: row for row in Turn.objects.filter(pk__in=below)}
        changed = _copy(turn, turn.parent_id, edited=True)
        kept = [part for part in turn.parts if part.get("kind") != "text"]
        changed.parts = (
            sorted([*kept, {"kind": "text", "text": text}], key=is_sources)
            if turn.role == Turn.Role.ASSISTANT
            else [{"kind": "text", "text": text}, *kept]
        )
        changed.text = text
        changed.save()
        last = changed
        for pk in below:
            last = _copy(rows[pk], last.pk, edited=rows[pk].edited)
            last.save()
        Conversation.objects.filter(pk=turn.conversation_id).update(leaf=last, updated_at=timezone.now())
    return changed


def _copy(turn: Turn, parent_id: uuid.UUID | None, *, edited: bool) -> Turn:
    return Turn(
        conversation_id=turn.conversation_id,
        parent_id=parent_id,
        role=turn.role,
        parts=turn.parts,
        text=turn.text,
        # What was changed by hand is no longer what the model said.
        native=None if edited else turn.native,
        native_for="" if edited else turn.native_for,
        cached=turn.cached,
        copied_from_id=turn.copied_from_id or turn.pk,
        edited=edited,
    )


def _refuse_while_live(conversation: Conversation) -> None:
    if Run.objects.filter(conversation=conversation, status__in=Run.LIVE).exists():
        raise Refused("An answer is still being written here. Stop it, or wait for its end.")


def show(turn: Turn) -> None:
    """Make the newest branch through this turn the shown one."""
    children = tree.siblings(turn.conversation_id)
    leaf = turn.pk
    while below := children.get(leaf):
        leaf = below[-1]
    Conversation.objects.filter(pk=turn.conversation_id).update(leaf=leaf)


def stop(run: Run, now: datetime) -> bool:
    """Ask for an end. True for the first who asks while the run is live."""
    queued = Run.objects.filter(pk=run.pk, status=Run.Status.QUEUED)
    if queued.update(status=Run.Status.STOPPED, stop_requested_at=now, ended_at=now):
        spending.free(run.pk)
        # Nobody drives it who could say so.
        relay.tell_ended(run.pk, run.conversation_id)
        return True
    live = Run.objects.filter(pk=run.pk, status__in=Run.LIVE, stop_requested_at=None)
    won = live.update(stop_requested_at=now) == 1
    # Asked again on purpose when somebody asked before: that message may have been lost.
    relay.stop(run.pk)
    return won


def delete(conversation: Conversation, user: User, ip: str | None = None) -> None:
    """Stop what is running and remove everything; usage records stay."""
    for run in Run.objects.filter(conversation=conversation, status__in=Run.LIVE):
        stop(run, timezone.now())
    with transaction.atomic():
        # The title of what nobody else could read is not told to the team's admins.
        told = str(conversation) if conversation.shared else "(private)"
        audit.record(user, conversation.team, "chat.delete", told, ip, conversation=str(conversation.pk))
        Run.objects.filter(conversation=conversation).delete()
        conversation.delete()


def title_from(text: str) -> str:
    """The first line that says something, cut at a word."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    line = next((line for line in lines if line), "")
    line = "".join(sign for sign in line if sign.isprintable())
    if len(line) <= TITLE_CHARS:
        return line
    return line[:TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"


def _path(conversation_id: uuid.UUID, leaf: uuid.UUID | None) -> list[uuid.UUID]:
    return tree.path_through(tree.siblings(conversation_id), leaf)
