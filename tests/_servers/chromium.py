"""Which Chromium is on this machine."""

from __future__ import annotations

import shutil

# The shell has no window of its own to draw, which is most of what a page costs without a GPU.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)
