"""What the demo gateway remembers of its callers, so that a test can ask it; never bodies, never keys."""

import hashlib
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 500


@dataclass(slots=True)
class Record:
    """One request as GET /demo/requests shows it."""

    number: int
    method: str
    path: str
    header_names: list[str]
    model: str | None = None
    stream: bool | None = None
    messages: int | None = None
    body_sha256: str | None = None
    status: int | None = None

    def note(self, fields: dict[str, Any], *, messages: str) -> None:
        """Write down what a test may want to know, even of a request that is refused next.

        `messages` is the field that holds the conversation; a plain text there counts as one.
        """
        model, stream, sent = fields.get("model"), fields.get("stream"), fields.get(messages)
        self.model = model[:200] if isinstance(model, str) else None
        self.stream = stream if isinstance(stream, bool) else None
        self.messages = len(sent) if isinstance(sent, list) else 1 if isinstance(sent, str) else None


class Records:
    """The last requests, and how many answers are under way."""

    def __init__(self) -> None:
        self._last: deque[Record] = deque(maxlen=KEPT)
        self._total = 0
        self._open = 0
        self._finished = 0
        self._left = 0

    def add(self, method: str, path: str, header_names: list[str]) -> Record:
        self._total += 1
        record = Record(self._total, method, path, header_names)
        self._last.append(record)
        return record

    def requests(self) -> dict[str, Any]:
        return {"data": [asdict(record) for record in self._last], "total": self._total}

    def streams(self) -> dict[str, int]:
        return {"open": self._open, "finished": self._finished, "left": self._left}

    @contextmanager
    def answering(self) -> Iterator["Outcome"]:
        """Count one answer as open, and afterwards as finished or as left by its client."""
        outcome = Outcome()
        self._open += 1
        try:
            yield outcome
        finally:
            self._open -= 1
            self._finished += outcome.finished
            self._left += not outcome.finished


@dataclass(slots=True)
class Outcome:
    """How one answer went; a cut that was asked for counts as finished."""

    finished: bool = False


class Memory:
    """A bounded set of digests: prompt prefixes for the cache figure, prompts that failed once."""

    def __init__(self, size: int) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._size = size

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._seen

    def add(self, digest: bytes) -> None:
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        if len(self._seen) > self._size:
            self._seen.popitem(last=False)

    def toggle(self, digest: bytes) -> bool:
        """Remember a digest and return True, or forget it and return False."""
        if digest in self._seen:
            del self._seen[digest]
            return False
        self.add(digest)
        return True


class Counts:
    """How often each of the newest digests came."""

    def __init__(self, size: int) -> None:
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._size = size

    def add(self, digest: bytes) -> int:
        """How often it had come before."""
        before = self._counts.pop(digest, 0)
        self._counts[digest] = before + 1
        if len(self._counts) > self._size:
            self._counts.popitem(last=False)
        return before


def digest(*parts: bytes) -> bytes:
    joined = hashlib.sha256()
    for part in parts:
        joined.update(len(part).to_bytes(8, "big"))
        joined.update(part)
    return joined.digest()
