"""What our own source must not do, read as syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET_NAME = re.compile(r"(?i)(^|_)(token|token_hash|secret|password|signature|hmac|api_key|sealed)$")
# Models whose rows belong to a team or a person: views reach them through `access` only.
OWNED = {
    "Conversation", "Turn", "Run", "Attachment", "Draft", "GatewayKey", "ModelEntry", "UsageRecord",
    "Membership", "Invitation", "AuditEvent", "Team", "SignInLink", "ApiToken",
    "MediaTask", "Asset", "Upload", "Prompt", "PromptVersion", "CheckRun", "CheckResult",
}  # fmt: skip
# (module, function, model): an unscoped query in a view, and why it shows nothing to strangers.
UNSCOPED = {
    ("playground/chat/views.py", "ask", "Conversation"): "only whether the id is taken; then access.get",
    ("playground/chat/conversations.py", "settings", "Conversation"): "the one access.get gave",
    ("playground/chat/screen.py", "of_new_chat", "Draft"): "the person's own: filtered by user",
    ("playground/chat/screen.py", "stored_settings", "Draft"): "the person's own: filtered by user",
    ("playground/chat/screen.py", "if_made", "Conversation"): "only whether the id is taken",
    ("playground/chat/screen.py", "fitting_model", "ModelEntry"): "of one of the usable keys",
    ("playground/chat/screen.py", "of_conversation", "Draft"): "the person's own: filtered by user",
    ("playground/chat/screen.py", "_shown_images", "Attachment"): "of the conversation's team",
    ("playground/chat/screen.py", "last_used", "Conversation"): "the person's own: filtered by owner",
    ("playground/chat/listing.py", "context", "Run"): "joined to conversations that access gave",
    ("playground/chat/stream.py", "refused", "Conversation"): "decides itself who may watch",
    ("playground/chat/stream.py", "refused", "Membership"): "decides itself who may watch",
    ("playground/chat/stream.py", "live", "Run"): "of a conversation that access.get gave",
    ("playground/compare/views.py", "ask", "Conversation"): "only whether the id is taken; then access.get",
    ("playground/compare/views.py", "_done", "Conversation"): "the one access.get gave, as it is now",
    ("playground/compare/screen.py", "of_new", "Run"): "joined to conversations that access gave",
    ("playground/compare/screen.py", "_last", "Conversation"): "the person's own: filtered by owner",
    ("playground/compare/screen.py", "_draft", "Draft"): "the person's own: filtered by user",
    ("playground/compare/screen.py", "offered", "ModelEntry"): "of one of the usable keys",
    ("playground/compare/screen.py", "families_of", "ModelEntry"): "of one of the usable keys",
    ("playground/compare/screen.py", "_usual", "ModelEntry"): "of one of the usable keys",
    ("playground/catalogue/listing.py", "page", "ModelEntry"): "of keys that access gave",
    ("playground/ops/picker.py", "options", "ModelEntry"): "of a key that access gave",
    ("playground/ops/picker.py", "_used", "UsageRecord"): "filtered by team and user",
    ("playground/pages.py", "_on_demo", "GatewayKey"): "filtered by team and what the person sees of it",
    ("playground/chat/prompt_views.py", "_inserted", "Conversation"): "the one access.get gave",
    ("playground/chat/prompt_views.py", "_inserted", "Draft"): "the person's own: filtered by user",
    ("playground/chat/prompt_views.py", "keep", "Draft"): "the person's own: filtered by user",
    ("playground/library/screen.py", "comments_by_version", "PromptVersion"): "of a prompt that rights gave",
    ("playground/library/screen.py", "version_of", "PromptVersion"): "of a prompt that rights gave",
    ("playground/media/files.py", "public", "Asset"): "for providers: the signed address says which",
    ("playground/media/files.py", "public", "Upload"): "for providers: the signed address says which",
    ("playground/media/listing.py", "_narrowed", "MediaTask"): "filtered by team",
    ("playground/media/listing.py", "_searched", "MediaTask"): "hits of a search that is bound to the team",
    ("playground/media/screen.py", "_from_result", "Asset"): "of a task that access.get gave",
    ("playground/media/screen.py", "cards", "Asset"): "prefetched for tasks that access gave",
    ("playground/verify/screen.py", "options", "ModelEntry"): "of a key that the person may use",
    ("playground/verify/screen.py", "overview", "CheckRun"): "as visible_to says, of a usable key",
    ("playground/verify/screen.py", "overview", "CheckResult"): "of the runs just found",
    ("playground/verify/screen.py", "certificates", "CheckResult"): "of the runs that access gave",
    ("playground/verify/screen.py", "before", "CheckRun"): "as visible_to says, of the same key",
    ("playground/verify/views.py", "share", "CheckRun"): "the one access.get gave",
    ("playground/verify/views.py", "seen", "CheckRun"): "the one access.get gave",
    ("playground/media/screen.py", "operation_for", "MediaTask"): "filtered by user and team",
}  # fmt: skip


def sources() -> Iterator[tuple[str, ast.Module]]:
    for top in ("accounts", "playground"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def names_in(node: ast.expr) -> Iterator[str]:
    """The names a comparison is about: `x.token` and `token`, not what a call of them gives."""
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield str(node.slice.value)


def careless_comparisons(name: str, tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not any(
            isinstance(op, ast.Eq | ast.NotEq) for op in node.ops
        ):
            continue
        for side in (node.left, *node.comparators):
            for word in names_in(side):
                if SECRET_NAME.search(word):
                    found.append(f"{name}:{node.lineno} compares {word}")
    return found


def test_sec_12_no_secret_is_compared_with_the_equals_sign() -> None:
    assert [line for name, tree in sources() for line in careless_comparisons(name, tree)] == []


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ("if token == given: pass", True),
        ("x = a.secret != b", True),
        ("x = row['api_key'] == y", True),
        ("x = len(token) == 3", False),
        ("x = hmac.compare_digest(token, y)", False),
        ("x = input_tokens == 3", False),
    ],
)
def test_the_search_for_comparisons_sees_them(source: str, bad: bool) -> None:
    assert bool(careless_comparisons("x.py", ast.parse(source))) is bad


def is_view_module(name: str) -> bool:
    """Modules whose functions take a request of somebody signed in."""
    words = r"views\w*|\w+_views|conversations|screen|listing|stream|picker|pages|files|api"
    return bool(re.search(rf"/({words})\.py$", name))


def unscoped_queries(name: str, tree: ast.Module) -> set[tuple[str, str, str]]:
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("objects", "_default_manager", "_base_manager")
                and isinstance(node.value, ast.Name)
                and node.value.id in OWNED
            ):
                found.add((name, function.name, node.value.id))
    return found


def test_sec_38_views_reach_what_belongs_to_somebody_through_access_alone() -> None:
    used = {row for name, tree in sources() if is_view_module(name) for row in unscoped_queries(name, tree)}
    assert used - UNSCOPED.keys() == set()
    assert UNSCOPED.keys() - used == set(), "a reason that is not needed any more"


def test_the_search_for_queries_sees_them() -> None:
    source = "def view(request):\n    return Run.objects.all()"
    assert unscoped_queries("v.py", ast.parse(source)) == {("v.py", "view", "Run")}
