"""From a bare clone to a running playground: `python3 bootstrap.py run` (`make run` calls it).

Standard library only. Makes `.venv`, installs the hash-pinned lock a command needs (once), and hands over.
"""

import sys

COMMANDS = {
    "run": "run the playground here: SQLite, one worker, the demo gateway",
    "test": "run the tests, with PostgreSQL, Redis and Chromium where installed",
    "check": "format, lint, types, import rules, templates, migrations, deployment check",
    "demo": "run the demo gateway alone",
    "bench": "measure, and print ratios to a raw relay",
    "production": "run the production processes on this machine (PostgreSQL and Redis must be installed)",
    "lock": "compile requirements/*.in anew (needs uv)",
}
OLDEST = (3, 11)
NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")
IS_NEW_ENOUGH = f"import sys; sys.exit(sys.version_info < {OLDEST})"


def newer_python(version: tuple, find: object, works: object) -> "str | None":  # type: ignore[type-arg] # parsed by 3.6 too
    """What to run instead of this Python: "" for this very one, None when there is nothing fit."""
    if version >= OLDEST:
        return ""
    paths = [find(name) for name in NAMES]  # type: ignore[operator] # see above
    return next((path for path in paths if path and works(path)), None)  # type: ignore[operator] # see above


