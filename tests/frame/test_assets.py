"""Addresses of static files: what is looked up quickly is what Django would say."""

from __future__ import annotations

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from servestatic.storage import CompressedManifestStaticFilesStorage

from playground.assets import HashedStorage

HASHED = {"css/base.css": "css/base.0123456789ab.css", "a picture.svg": "a picture.ba9876543210.svg"}


@pytest.fixture
def storage(tmp_path, settings):
    settings.DEBUG = False
    storage = HashedStorage(location=tmp_path, base_url="/static/")
    storage.hashed_files = dict(HASHED)
    return storage


@pytest.mark.parametrize("name", [*HASHED, "css/base.css#end", "css/base.css?#iefix"])
def test_a_hashed_address_is_the_one_django_would_give(storage, name):
    expected = CompressedManifestStaticFilesStorage.url(storage, name)
    assert storage.url(name) == expected
    assert storage.url(name, force=True) == expected
    assert ".0123456789ab." in expected or ".ba9876543210." in expected


def test_a_file_that_is_collected_anew_has_its_new_address_at_once(storage):
    before = storage.url("css/base.css")
    storage.hashed_files = {"css/base.css": "css/base.ffffffffffff.css"}
    assert storage.url("css/base.css") == "/static/css/base.ffffffffffff.css" != before


def test_a_file_nobody_collected_is_an_error_and_before_collecting_a_plain_name(storage):
    with pytest.raises(ValueError, match="could not be found"):
        storage.url("css/none.css")
    storage.hashed_files = {}
    assert storage.url("css/none.css") == StaticFilesStorage.url(storage, "css/none.css")


def test_a_developers_page_names_files_as_they_are(storage, settings):
    settings.DEBUG = True
    assert storage.url("css/base.css") == "/static/css/base.css"
