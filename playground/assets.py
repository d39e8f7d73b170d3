"""Static files with the content's hash in their name, also inside ES module imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, StaticFilesStorage

if TYPE_CHECKING:

    class Storage(StaticFilesStorage):
        """What the stubs leave out."""

        hashed_files: dict[str, str]

        def url(self, name: str | None, force: bool = False) -> str: ...
else:
    Storage = ManifestStaticFilesStorage


class HashedStorage(Storage):
    """Hashed names once `collectstatic` has run; the plain ones before (tests on a bare clone)."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def url(self, name: str | None, force: bool = False) -> str:
        if not self.hashed_files:
            return StaticFilesStorage.url(self, name)
        return super().url(name, force)
