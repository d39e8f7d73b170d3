"""The folder that carries Celery's messages in embedded mode, where there is no Redis."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps

LOOK_UP_S = 0.3


class Channel(filesystem.Channel):
    """Writes a message aside and then gives it its name: kombu's own shows the empty file first, and a worker
    that takes it then dies of it.
    """

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override] # as kombu's own
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        aside = folder / f".{name}"
        aside.write_text(dumps(payload))
        os.replace(aside, folder / name)


class Transport(filesystem.Transport):
    """Looks up often: Celery waits two seconds for messages, and once more after it was asked to end."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: Any = None, **options: Any) -> None:
        super().drain_events(connection, timeout=LOOK_UP_S)
