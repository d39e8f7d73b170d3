"""Static files with the content's hash in their name, also inside ES module imports."""

from __future__ import annotations

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStorage(ManifestStaticFilesStorage):
    """Hashed names once `collectstatic` has run; the plain ones before (tests on a bare clone)."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def url(self, name: str | None, force: bool = False) -> str:
        if not self.hashed_files:
            return super(ManifestStaticFilesStorage, self)._url(lambda n: n, name, True)
        return super().url(name, force)
