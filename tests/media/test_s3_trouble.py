"""What goes wrong with a bucket is told apart, in words for people, and for the operator."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from playground import bucket as bucket_module
from playground.storage import SENTENCES, StorageError
from tests.deploy.test_settings import start
from tests.media.s3 import ACCESS, Bucket, bucket, on_s3, s3_server

__all__ = ["bucket", "on_s3", "s3_server"]
Answers = Callable[[int, str], None]


class Refusing(BaseHTTPRequestHandler):
    """Reads what comes, and answers what it was told to."""

    protocol_version = "HTTP/1.1"
    status, code = 500, "InternalError"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = f"<Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _answer

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def answers(bucket: Bucket, settings: LazySettings) -> Iterator[Answers]:
    """`answers(403, "AccessDenied")`: from now on the bucket says nothing else."""
    handler = type("Mine", (Refusing,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    settings.STORAGES = settings.STORAGES | {"default": bucket.storage(endpoint)}

    def answer(status: int, code: str) -> None:
        handler.status, handler.code = status, code  # type: ignore[attr-defined] # a type of the test's own

    yield answer
    server.shutdown()
    server.server_close()
    thread.join()


CASES = [
    (403, "AccessDenied", "denied"),
    (403, "InvalidAccessKeyId", "denied"),
    (403, "SignatureDoesNotMatch", "denied"),
    (401, "Unauthorized", "denied"),
    (404, "NoSuchBucket", "no_bucket"),
    (503, "SlowDown", "busy"),
    (429, "TooManyRequests", "busy"),
    (507, "XMinioStorageFull", "full"),
    (500, "InternalError", "failed"),
    (400, "InvalidRequest", "failed"),
]


@pytest.mark.parametrize(("status", "code", "trouble"), CASES)
def test_what_the_bucket_answers_is_told_apart(
    answers: Answers, status: int, code: str, trouble: Any
) -> None:
    answers(status, code)
    with pytest.raises(StorageError) as saved:
        default_storage.save("assets/a", ContentFile(b"a"))
    with pytest.raises(StorageError) as opened:
        default_storage.open("assets/a")
    for error in (saved.value, opened.value):
        assert (error.trouble, str(error)) == (trouble, SENTENCES[trouble])  # type: ignore[index] # one of them
        assert error.detail == f"{status} {code}"


def test_no_sentence_names_key_bucket_or_address(on_s3: Bucket) -> None:
    on_s3.line.unplug()
    with pytest.raises(StorageError) as told:
        default_storage.save("assets/a", ContentFile(b"a"))
    said = f"{told.value} {told.value.detail}"
    assert not [word for word in (on_s3.name, "127.0.0.1", *ACCESS.values()) if word in said]


def test_a_client_that_cannot_even_be_made_is_the_storages_trouble(
    on_s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StorageError) as caught:
        default_storage.exists("a.png")
    assert caught.value.trouble == "failed"


def test_a_bucket_that_is_silent_lets_one_wait_and_not_all(
    on_s3: Bucket, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(bucket_module, "SILENT_S", 0.2)
    monkeypatch.setattr(bucket_module, "LONG_S", 0.2)
    settings.STORAGES = settings.STORAGES | {"default": on_s3.storage()}
    on_s3.put("assets/a", b"a")
    on_s3.line.quiet_up = 1
    with pytest.raises(StorageError) as waited:
        default_storage.open("assets/a")
    assert waited.value.trouble == "broken"
    before = on_s3.line.up
    with pytest.raises(StorageError) as told:
        default_storage.open("assets/a")
    assert told.value.trouble == "away"
    assert on_s3.line.up == before


def test_the_proxies_of_the_environment_are_not_asked(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    settings.STORAGES = settings.STORAGES | {"default": bucket.storage()}
    default_storage.save("assets/a", ContentFile(b"a"))
    assert bucket.files() == {"assets/a": 1}


def doctor(capsys: pytest.CaptureFixture[str]) -> str:
    out = io.StringIO()
    with pytest.raises(SystemExit):
        # What the tests' own data folder lacks is of no interest here.
        call_command("doctor", stdout=out)
    return next(line for line in out.getvalue().splitlines() if "kept files" in line)


@pytest.mark.django_db
def test_the_doctor_tries_the_bucket_and_leaves_nothing_in_it(
    on_s3: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(capsys) == f"well    kept files: the bucket {on_s3.name} takes, gives and deletes"
    assert on_s3.files() == {}
    on_s3.client.delete_bucket(Bucket=on_s3.name)
    assert "UNWELL  kept files: The file storage of this site has lost its bucket" in doctor(capsys)


@pytest.mark.django_db
def test_the_doctor_says_why_the_bucket_refuses(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    answers(403, "AccessDenied")
    assert doctor(capsys).endswith("(403 AccessDenied)")


MANAGE = "import sys, manage; sys.argv = ['manage.py', 'check']; manage.execute()"
GOOD = ACCESS | {"S3_BUCKET": "files", "S3_ENDPOINT_URL": "https://s3.example.com"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"S3_BUCKET": "no bucket"}, "S3_BUCKET must be the name of a bucket"),
        ({"S3_ENDPOINT_URL": "s3.example.com"}, "S3_ENDPOINT_URL must be a plain http(s) address"),
        ({"S3_ENDPOINT_URL": "https://me:word@s3.example.com"}, "S3_ENDPOINT_URL must be a plain"),
        ({"S3_PREFIX": "../up"}, "S3_PREFIX must be a folder"),
        ({"S3_ADDRESSING_STYLE": "odd"}, "S3_ADDRESSING_STYLE must be one of auto, path, virtual"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together"),
        ({"AWS_SECRET_ACCESS_KEY_FILE": "/nowhere/at/all"}, "AWS_SECRET_ACCESS_KEY_FILE cannot be read"),
    ],
)
def test_a_wrong_setting_is_one_line_without_the_secret(
    tmp_path: Path, changes: dict[str, str], says: str
) -> None:
    done = start(tmp_path, MANAGE, **(GOOD | changes))
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert says in line
    assert ACCESS["AWS_SECRET_ACCESS_KEY"] not in line


def test_a_bucket_without_its_packages_is_one_line_that_names_them(tmp_path: Path) -> None:
    code = (
        "import importlib.util as util; real = util.find_spec; "
        "util.find_spec = lambda name: None if name == 'boto3' else real(name); "
    )
    done = start(tmp_path, code + MANAGE, **GOOD)
    assert done.stderr.strip().splitlines() == [
        "S3_BUCKET needs the packages of requirements/s3.txt: install them first"
    ]


def test_without_a_bucket_its_packages_are_never_loaded(tmp_path: Path) -> None:
    code = (
        "import django, sys; django.setup(); from django.core.files.storage import storages; "
        "print(type(storages['default']).__name__, 'boto3' in sys.modules)"
    )
    assert start(tmp_path, code).stdout.split() == ["FileSystemStorage", "False"]


@pytest.mark.parametrize(
    ("changes", "style", "host"),
    [
        ({}, "path", "https://s3.example.com/files/"),
        ({"S3_ADDRESSING_STYLE": "virtual"}, "virtual", "https://files.s3.example.com/"),
        ({"S3_ENDPOINT_URL": "", "S3_REGION": "eu-central-1"}, "auto", "https://files.s3"),
    ],
)
def test_the_bucket_is_addressed_as_its_server_wants_it(
    tmp_path: Path, changes: dict[str, str], style: str, host: str
) -> None:
    code = (
        "import django; django.setup(); from django.core.files.storage import default_storage as kept; "
        "print(kept.client_config.s3['addressing_style'], kept.url('a'))"
    )
    done = start(tmp_path, code, **(GOOD | changes))
    told, url = done.stdout.split()
    assert told == style
    assert url.startswith(host)


def test_the_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    code = (
        "import django; django.setup(); from django.core.files.storage import default_storage as kept; "
        "print(kept.secret_key)"
    )
    changes = {"AWS_SECRET_ACCESS_KEY": None, "AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret")}
    done = start(tmp_path, code, **(GOOD | changes))
    assert done.stdout.strip() == "from-a-file", done.stderr
