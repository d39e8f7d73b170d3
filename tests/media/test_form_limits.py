"""What a form says about the size of files: what is true of this site, not only of the route."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import GatewayKey, User
from playground.gateway.media.operation import FileField
from playground.gateway.media.registry import OPERATIONS
from playground.media.forms import FileRow
from tests.media.upstream import png

MB = 1024 * 1024
SignIn = Callable[[User], Client]


def row(max_mb: int, many: int = 1) -> FileRow:
    return FileRow(FileField("film", "video", "Film", "A film.", max_bytes=max_mb * MB, many=many), [])


@pytest.fixture(autouse=True)
def site(settings: LazySettings) -> None:
    settings.MAX_REQUEST_BYTES = 32 * MB


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (row(10), "At most 10 MB."),
        (row(100), "At most 31 MB here, though the route takes 100 MB."),
        (row(10, 3), "At most 3 files of 10 MB."),
        (row(10, 7), "At most 7 files of 10 MB, 31 MB chosen at once."),
        (row(100, 2), "At most 2 files of 31 MB here, though the route takes 100 MB, 31 MB chosen at once."),
    ],
)
def test_the_smaller_of_the_two_limits_is_told(field: FileRow, told: str) -> None:
    assert field.limit == told


def test_a_site_that_takes_more_lets_the_route_decide(settings: LazySettings) -> None:
    settings.MAX_REQUEST_BYTES = 256 * MB
    assert row(200).limit == "At most 200 MB."
    assert not row(200).cut


def test_the_page_says_the_true_limit_of_every_file_and_who_can_raise_it(
    sign_in: SignIn, owner: User, key: GatewayKey
) -> None:
    client = sign_in(owner)
    for operation in OPERATIONS.values():
        tab = "audio" if operation.medium in ("speech", "text") else operation.medium
        page = client.get(f"/studio/{tab}/?operation={operation.key}").content.decode()
        assert page.count("need a larger <code>MAX_REQUEST_MB</code>") == sum(
            file.max_bytes > 31 * MB for file in operation.files
        ), operation.key


def test_what_the_form_says_is_taken_is_taken(sign_in: SignIn, owner: User, key: GatewayKey) -> None:
    operation = OPERATIONS["kling.image2video"]
    field = operation.files[0]
    most, client = FileRow(field, []).most_bytes, sign_in(owner)

    def given(size: int) -> int:
        file = SimpleUploadedFile("boat.png", png().ljust(size, b"\0"), "image/png")
        told = {"operation": operation.key, "field": field.name, f"file-{field.name}": file}
        return client.post("/studio/upload", told).status_code

    assert given(most) == 200
    assert given(most + 1) == 422
