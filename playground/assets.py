"""Static files with their hash in the name, also inside ES module imports, and compressed beside."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.utils.encoding import filepath_to_uri
from servestatic.storage import CompressedManifestStaticFilesStorage

if TYPE_CHECKING:

    class Storage(StaticFilesStorage):
        """What the stubs leave out."""

        hashed_files: dict[str, str]

        def url(self, name: str | None, force: bool = False) -> str: ...
else:
    Storage = CompressedManifestStaticFilesStorage


class HashedStorage(Storage):
    """Hashed names once `collectstatic` has run; the plain ones before (tests on a bare clone)."""

    support_js_module_import_aggregation = True

    def url(self, name: str | None, force: bool = False) -> str:
        if not self.hashed_files:
            return StaticFilesStorage.url(self, name)
        hashed = self.hashed_files.get(name or "")
        if hashed and self.base_url and (force or not settings.DEBUG):
            return _address(self.base_url, hashed)
        return super().url(name, force)


@lru_cache(maxsize=1000)
def _address(base: str, hashed: str) -> str:
    """Every page names thirty files; Django takes each name apart and puts it together again."""
    return unquote(urljoin(base, filepath_to_uri(hashed).lstrip("/")))
