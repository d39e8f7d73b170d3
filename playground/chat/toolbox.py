"""Tools, their sets and their results, and the schema an answer shall fit: what the page does to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access
from accounts.models import Role, Team
from playground.chat import drafts, examples, followups, listing, schemas, screen
from playground.chat.acts import act, aimed, turn_of
from playground.chat.models import Conversation, ToolSet, Turn
from playground.chat.settings_form import MOST_TOOLS, Settings, SettingsForm
from playground.chat.thread import thread
from playground.gateway.assembly import storable

Request = listing.Request
Rows = list[dict[str, str]]
FIELDS = ("name", "description", "parameters", "mock")
MOST_SETS = 200


@require_POST
def tools(request: Request, pk: UUID) -> HttpResponse:
    """Change the list of tools: `do` is add:<example>, remove:<place>, format:<place> or load:<set>."""
    conversation, team = _chat(request, pk)
    data = request.POST.copy()
    what, _, which = data.get("do", "").partition(":")
    rows, fresh = _posted(data), None
    if what == "add":
        rows, fresh = _with_another(rows, which)
    elif what == "load":
        rows = _set_of(request, team, which).tools
    elif which.isdecimal() and len(which) < 4 and int(which) < len(rows):
        rows = _without(rows, int(which)) if what == "remove" else _laid_out(rows, int(which))
    rows = [row for row in rows if any(row.values())][:MOST_TOOLS]
    for field in FIELDS:
        data.setlist(f"tool-{field}", [row.get(field, "") for row in rows])
    if what in ("add", "load"):
        data["tools-on"] = "on"
    form = SettingsForm(data, screen.stored_settings(request, conversation))
    if fresh is not None:
        form.errors.pop(f"tool-{fresh}-name", None)  # nobody has had the time to name it
    return _changed(request, pk, conversation, form, {"fresh_tool": fresh})


@require_POST
def schema(request: Request, pk: UUID) -> HttpResponse:
    """Change the schema: `do` is format, sample (made from the pasted one) or example:<name>."""
    conversation, _ = _chat(request, pk)
    data = request.POST.copy()
    what, _, which = data.get("do", "").partition(":")
    wrong: dict[str, str] = {}
    try:
        if what == "format":
            data["schema"] = schemas.laid_out(data.get("schema", ""), "The schema")
        elif what == "sample":
            data["schema"] = schemas.from_sample(data.get("sample", ""))
        else:
            data["schema"] = next(row.text for row in examples.SCHEMAS if row.key == which)
        data["schema-on"] = "on"
    except StopIteration:
        raise Http404 from None
    except ValueError as error:
        wrong["schema" if what == "format" else what] = str(error)
    form = SettingsForm(data, screen.stored_settings(request, conversation))
    form.errors.update(wrong)
    sample = data.get("sample", "") if "sample" in wrong else ""
    return _changed(request, pk, conversation, form, {"sample": sample})


def _chat(request: Request, pk: UUID) -> tuple[Conversation | None, Team]:
    """The conversation, None before its first question, and the team whose tool sets it has."""
    if Conversation.objects.filter(pk=pk).exists():
        conversation = access.get(Conversation, request, pk, need=Role.MEMBER)
        return conversation, conversation.team
    access.need(request, Role.MEMBER)
    return None, request.team


def _posted(data: QueryDict) -> Rows:
    columns = {field: data.getlist(f"tool-{field}") for field in FIELDS}
    return [
        {field: values[at] if at < len(values) else "" for field, values in columns.items()}
        for at in range(len(columns["name"]))
    ]


def _with_another(rows: Rows, key: str) -> tuple[Rows, int]:
    """The rows and one more, whose name is made to differ; and its place."""
    row = next((each.row for each in examples.TOOLS if each.key == key), examples.EMPTY_TOOL)
    kept = [each for each in rows if any(each.values())]
    names = {each["name"] for each in kept}
    number, name = 2, row["name"]
    while name and name in names:
        name, number = f"{row['name']}_{number}", number + 1
    return [*kept, row | {"name": name}], len(kept)


def _without(rows: Rows, at: int) -> Rows:
    return rows[:at] + rows[at + 1 :]


def _laid_out(rows: Rows, at: int) -> Rows:
    """The JSON of one tool with indents; what is no JSON stays as it is, and is said to be none."""
    row = dict(rows[at])
    for field in ("parameters", "mock"):
        try:
            row[field] = schemas.laid_out(row[field], field)
        except ValueError:
            continue
    return [*rows[:at], row, *rows[at + 1 :]]


def _changed(
    request: Request,
    pk: UUID,
    conversation: Conversation | None,
    form: SettingsForm,
    more: dict[str, Any],
) -> HttpResponse:
    """Keep the settings and show the tab as it is now; without script the page as it was typed."""
    whole = "model" in request.POST
    stored = screen.stored_settings(request, conversation)
    settings = form.settings if whole else stored | {"tools": form.settings["tools"]}
    _keep(request, conversation, settings)
    made = conversation or Conversation(pk=pk, team=request.team, owner=request.user)
    if request.htmx:
        context = {"conversation": made, "settings": settings, "errors": form.errors, "writable": True}
        template = "chat/_schema.html" if "sample" in more else "chat/_tools.html"
        return render(request, template, context | more)
    if not whole:
        return _back(conversation)
    shown = thread(made) if conversation is not None else None
    return render(request, "chat/page.html", screen.as_typed(request, made, shown, "", form) | more)


def _keep(request: Request, conversation: Conversation | None, settings: Settings) -> None:
    if conversation is not None:
        Conversation.objects.filter(pk=conversation.pk).update(settings=settings)
        return
    drafts.keep(request.user, None, settings=settings)


def _back(conversation: Conversation | None) -> HttpResponse:
    return redirect("chat:show", pk=conversation.pk) if conversation is not None else redirect("chat:new")


# Tool sets of the team


@require_http_methods(["GET", "POST"])
def tool_sets(request: Request) -> HttpResponse:
    """The team's sets, for `?conversation=`. POST saves the tools in the form as one, or deletes one."""
    pk = listing.uuid_or_none(request.GET.get("conversation")) or uuid4()
    conversation, team = _chat(request, pk)
    if request.method == "GET":
        return _sets(request, pk, team)
    what, _, which = request.POST.get("do", "").partition(":")
    if what == "delete":
        _set_of(request, team, which).delete()
        return _sets(request, pk, team)
    stored = screen.stored_settings(request, conversation)
    settings = SettingsForm(request.POST, stored).settings if "model" in request.POST else stored
    name = " ".join(storable(request.POST.get("set-name", "")).split())[:80]
    rows = (settings.get("tools") or {}).get("list") or []
    if complaint := _complaint(request, team, name, rows):
        return _sets(request, pk, team, complaint=complaint, name=name)
    fields = {"tools": rows, "user": request.user, "updated_at": timezone.now()}
    ToolSet.objects.update_or_create(team=team, name=name, defaults=fields)
    said = f"Saved {len(rows)} {'tool' if len(rows) == 1 else 'tools'} as “{name}”."
    if not request.htmx:
        messages.success(request, said)
        return _back(conversation)
    toast = {"toast": {"text": said, "level": "success"}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(toast)})


def _complaint(request: Request, team: Team, name: str, rows: Rows) -> str:
    if not name:
        return "Give the set a name."
    if not rows:
        return "There is no tool to save yet."
    sets = ToolSet.objects.filter(team=team)
    if sets.filter(name=name).exists():
        again = request.POST.get("replaces") == name
        return "" if again else f"There is a set “{name}” already. Save again to replace it."
    return f"A team keeps {MOST_SETS} sets at most. Delete one first." if sets.count() >= MOST_SETS else ""


def _sets(request: Request, pk: UUID, team: Team, *, complaint: str = "", name: str = "") -> HttpResponse:
    context = {
        "sets": ToolSet.objects.filter(team=team).select_related("user").order_by("name"),
        "team": team,
        "chat": pk,
        "complaint": complaint,
        "name": name,
    }
    status = 422 if complaint else 200
    if not request.htmx:
        return render(request, "chat/tool_sets.html", context, status=status)
    return aimed(render(request, "chat/_tool_sets.html", context, status=status), "#asking", "innerHTML")


def _set_of(request: Request, team: Team, pk: str) -> ToolSet:
    found = access.get(ToolSet, request, pk, need=Role.MEMBER)
    if found.team_id != team.pk:
        raise Http404
    return found


# Results of calls, and answers that do not fit


@require_http_methods(["GET", "POST"])
def give(request: Request, pk: UUID) -> HttpResponse:
    """The fields for the results of an answer's calls, `?from=` as another turn gave them; POST sends."""
    answer = turn_of(request, pk, need=Role.MEMBER)
    given = _given(answer, request.GET.get("from"))
    rows = followups.result_rows(answer, given)
    if request.method == "GET":
        return _give_form(request, answer, rows, given=given)
    rows = [_typed(request.POST, row) for row in rows]
    turn_id = listing.uuid_or_none(request.POST.get("turn_id")) or uuid4()
    results = {row.call_id: row.text for row in rows}
    failed = frozenset(row.call_id for row in rows if row.failed)

    def refuse(complaint: str, chosen: SettingsForm | None) -> HttpResponse:
        about = {"complaint": complaint, "chosen": chosen, "errors": chosen.errors if chosen else {}}
        return _give_form(request, answer, rows, given=given, result_id=turn_id, **about)

    return act(
        request,
        answer,
        lambda chosen: followups.give(
            answer, request.user, turn_id=turn_id, results=results, failed=failed, settings=chosen
        ),
        last=3,
        refuse=refuse,
    )


def _given(answer: Turn, pk: str | None) -> Turn | None:
    found = listing.uuid_or_none(pk)
    return Turn.objects.filter(pk=found, parent=answer, role=Turn.Role.TOOL).first() if found else None


def _typed(data: QueryDict, row: followups.ResultRow) -> followups.ResultRow:
    text = storable(data.get(f"result-{row.at}", "").replace("\r\n", "\n"))
    return followups.ResultRow(row.at, row.call_id, row.name, text, f"failed-{row.at}" in data, saved=False)


def _give_form(
    request: Request, answer: Turn, rows: list[followups.ResultRow], *, given: Turn | None, **about: Any
) -> HttpResponse:
    context = {
        "answer": answer,
        "conversation": answer.conversation,
        "rows": rows,
        "given": given,
        "result_id": uuid4(),
        **about,
    }
    status = 422 if about else 200
    if not request.htmx:
        return render(request, "chat/give.html", context, status=status)
    response = render(request, "chat/_give.html", context, status=status)
    return aimed(response, f"#give-{answer.pk}") if about else response


@require_POST
def repair(request: Request, pk: UUID) -> HttpResponse:
    """Ask again with what was wrong about the answer."""
    answer = turn_of(request, pk, need=Role.MEMBER)
    turn_id = listing.uuid_or_none(request.POST.get("turn_id")) or uuid4()

    def do(chosen: Settings) -> Any:
        return followups.repair(answer, request.user, turn_id=turn_id, settings=chosen)

    return act(request, answer, do, last=2, refuse=_refused(request, answer.conversation))


def _refused(
    request: Request, conversation: Conversation
) -> Callable[[str, SettingsForm | None], HttpResponse]:
    """What is wrong, at the composer and at the fields."""

    def refuse(complaint: str, chosen: SettingsForm | None) -> HttpResponse:
        if not request.htmx:
            context = screen.as_typed(request, conversation, thread(conversation), complaint, chosen)
            return render(request, "chat/page.html", context, status=422)
        context = {"complaint": complaint, "errors": chosen.errors if chosen else {}, "chosen": chosen}
        return aimed(render(request, "chat/_refused.html", context, status=422), "#complaint")

    return refuse
