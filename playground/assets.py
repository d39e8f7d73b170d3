"""Static files with their hash in the name, also inside ES module imports, and compressed beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.staticfiles.storage import StaticFilesStorage
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
        return super().url(name, force)
