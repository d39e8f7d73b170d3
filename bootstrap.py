"""From a bare clone to a running playground: `python3 bootstrap.py run` (`make run` calls it).

Standard library only. Makes `.venv`, installs the hash-pinned lock a command needs (once), and hands over.
Annotations are quoted where an older Python would stumble: it has to come far enough to say so.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "stamps.json"
OLDEST = (3, 11)
NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
LOCKS = ("base", "s3", "test", "check", "browser")
# The whole suite runs in several processes, each with servers of its own; a part named in ARGS in one.
# One more than processors, as many tests wait; the files have the order of tests/_servers/order.py.
PROCESSES = min(4, (os.cpu_count() or 1) + 1)
WHOLE = ["-n", str(PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder"]


class Hint(Exception):
    """What stands in the way, in one line that says what to do."""


def fit_python(
    version: "tuple[int, ...]", find: "Callable[[str], str | None]", works: "Callable[[str], bool]"
) -> str:
    """What to run instead of the Python in use: "" when that one will do; raises Hint when none will."""
    if version >= OLDEST:
        return ""
    for name in NAMES:
        path = find(name)
        if path and works(path):
            return path
    shown = ".".join(str(part) for part in version)
    raise Hint(
        f"Python 3.11 or newer is needed, this is {shown}: apt-get install python3, or brew install python"
    )


def is_fit(path: str) -> bool:
    """A name on PATH may be a shim with nothing behind it."""
    code = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    quiet = subprocess.DEVNULL
    return subprocess.run([path, "-c", code], stdout=quiet, stderr=quiet).returncode == 0


@contextlib.contextmanager
def alone() -> "Iterator[None]":
    """Two commands at once must not both write the environment."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is installing; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def say(line: str) -> None:
    print(f"bootstrap: {line}", flush=True)


def venv_version() -> str:
    """The version of the environment's own Python; empty when there is none that runs."""
    code = "import sys, pip; print(sys.version)"
    try:
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def stamps() -> "dict[str, str]":
    try:
        return dict(json.loads(STAMPS.read_text()))
    except (OSError, ValueError):
        return {}


def make_venv() -> str:
    """Make or keep `.venv`; gives the version of its Python. A moved checkout needs a new one."""
    version = venv_version()
    if version and stamps().get("path", str(ROOT)) == str(ROOT):
        return version
    if importlib.util.find_spec("ensurepip") is None:
        raise Hint(f"This Python cannot make environments: apt-get install python3-venv ({sys.executable})")
    say(f"making .venv with Python {sys.version.split()[0]}")
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True
    )
    if done.returncode:
        raise Hint(f"The environment could not be made: {(done.stderr or done.stdout).strip()}")
    return venv_version()


def install(*names: str) -> None:
    """Bring the locks `names` into `.venv`, each skipped when nothing changed since it was last installed."""
    with alone():
        version = make_venv()
        for name in names:
            lock = ROOT / "requirements" / f"{name}.txt"
            stamp = hashlib.sha256(f"{lock.read_text()}\n{version}\n{ROOT}".encode()).hexdigest()
            if stamps().get(name) == stamp:
                continue
            say(f"installing requirements/{name}.txt")
            argv = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            argv += ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
            if subprocess.run(argv, cwd=ROOT).returncode:
                raise Hint(f"requirements/{name}.txt could not be installed; the lines above say why")
            STAMPS.write_text(json.dumps(stamps() | {"path": str(ROOT), name: stamp}))


def become(*argv: str) -> None:
    """Replace this process, so that signals and exit codes are the command's own."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), *argv])


def hold() -> None:
    """A Ctrl-C waits until the command can take it: a Python that just starts answers with a traceback."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


def run(arguments: "list[str]") -> None:
    install(*site_locks())
    hold()
    become("manage.py", "play", *arguments)


def demo(arguments: "list[str]") -> None:
    install("base")
    become("-m", "playground.demo", *arguments)


def production(arguments: "list[str]") -> None:
    install(*site_locks())
    hold()
    become("-m", "playground.production", *arguments)


def test(arguments: "list[str]") -> None:
    install(*test_locks())
    become("-m", "pytest", *(arguments or WHOLE))


def bench(arguments: "list[str]") -> None:
    install(*test_locks())
    become("-m", "benchmarks", *arguments)


def site_locks() -> "list[str]":
    """What kept files on S3 need is an extra, for whoever names a bucket."""
    wanted = os.environ.get("S3_BUCKET", "").strip() or os.environ.get("S3_BUCKET_FILE")
    return ["base", "s3"] if wanted else ["base"]


def test_locks() -> "list[str]":
    """The browser tests' packages are large and of no use without a browser."""
    return ["test", "browser"] if any(shutil.which(name) for name in BROWSERS) else ["test"]


def check(arguments: "list[str]") -> None:
    """Every check runs, so that one sees all there is to mend."""
    install("check")
    failed = [name for name, argv, env in checks() if not passes(name, argv, env)]
    if failed:
        raise Hint(f"failed: {', '.join(failed)}")
    say("all checks passed")


def checks() -> "list[tuple[str, list[str], dict[str, str]]]":
    manage = ["manage.py"]
    return [
        ("format", ["-m", "ruff", "format", "--check", "--quiet", "."], {}),
        ("lint", ["-m", "ruff", "check", "--quiet", "."], {}),
        ("types", ["-m", "mypy"], settings_env()),
        (
            "import rules",
            ["-c", "import sys; from importlinter.cli import lint_imports_command as run; run()"],
            {},
        ),
        ("templates", ["-m", "playground.lint_templates"], {}),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"], settings_env()),
        ("deployment", [*manage, "check", "--deploy", "--fail-level", "WARNING"], deployed_env()),
    ]


def passes(name: str, argv: "list[str]", env: "dict[str, str]") -> bool:
    say(f"checking {name}")
    return subprocess.run([PYTHON, *argv], cwd=ROOT, env=os.environ | env).returncode == 0


def settings_env() -> "dict[str, str]":
    """Secrets that live as long as a check, so that it leaves no data folder behind."""
    vault = f"check:{urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
    return {"PLAYGROUND_MODE": "embedded", "SECRET_KEY": secrets.token_urlsafe(50), "VAULT_KEYS": vault}


def deployed_env() -> "dict[str, str]":
    return settings_env() | {
        "PLAYGROUND_MODE": "production",
        "SITE_URL": "https://playground.example.com",
        "DATABASE_URL": "postgresql://playground@127.0.0.1/playground",
        "REDIS_URL": "redis://127.0.0.1/0",
    }


def lock(arguments: "list[str]") -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise Hint("uv is needed to compile the locks: pip install uv")
    for name in LOCKS:
        say(f"compiling requirements/{name}.txt")
        # 3.11.0, not the newest: a later one would drop what Debian's 3.11.2 needs.
        # No header: it would name paths.
        options = [
            "--universal",
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
            "--python-version",
            "3.11",
        ]
        files = [f"requirements/{name}.in", "--output-file", f"requirements/{name}.txt"]
        if subprocess.run(
            [uv, "pip", "compile", "--quiet", *options, *arguments, *files], cwd=ROOT
        ).returncode:
            raise Hint(f"requirements/{name}.in could not be compiled")


COMMANDS = {
    "run": run,
    "test": test,
    "check": check,
    "demo": demo,
    "bench": bench,
    "production": production,
    "lock": lock,
}


def main(arguments: "list[str]") -> int:
    try:
        other = fit_python(tuple(sys.version_info[:3]), shutil.which, is_fit)
        if other:
            say(f"Python {sys.version.split()[0]} is too old; going on with {other}")
            os.execv(other, [other, __file__, *arguments])
    except Hint as hint:
        print(hint, file=sys.stderr)
        return 2
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: bootstrap.py {'|'.join(COMMANDS)} [arguments]", file=sys.stderr)
        return 2
    try:
        COMMANDS[arguments[0]](arguments[1:])
    except Hint as hint:
        print(f"bootstrap: {hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
