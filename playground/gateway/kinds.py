"""The classes of failure that people can tell apart, and whose move each is (contract 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["you", "key owner", "gateway", "nobody"]


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One class of failure. `retryable`: a person's retry can help; `auto_retry`: ours may, unasked."""

    key: str
    title: str
    sentence: str
    who: Who
    retryable: bool = False
    auto_retry: bool = False


KINDS: dict[str, ErrorKind] = {
    kind.key: kind
    for kind in (
        ErrorKind(
            "invalid_request",
            "The request was refused",
            "The gateway could not accept this request as it is. Read its message, change the message, "
            "the model or a parameter, and send again.",
            "you",
        ),
        ErrorKind(
            "auth",
            "The key was not accepted",
            "The gateway does not know this key. Its owner should check it in Settings, or put in a new one.",
            "key owner",
        ),
        ErrorKind(
            "permission",
            "Not allowed with this key",
            "This key may not use this model or feature. Choose another model or key, or ask the owner of "
            "the key to allow it.",
            "key owner",
        ),
        ErrorKind(
            "not_found",
            "Not found",
            "The gateway does not know this model or address. Choose another model, or refresh the list.",
            "you",
        ),
        ErrorKind(
            "conflict",
            "Already being worked on",
            "The gateway is still busy with a request that excludes this one. Wait a moment, then try again.",
            "you",
            retryable=True,
            auto_retry=True,
        ),
        ErrorKind(
            "too_large",
            "Too large",
            "The request is larger than the gateway accepts. Shorten the text or use smaller images.",
            "you",
        ),
        ErrorKind(
            "content_policy",
            "Refused for its content",
            "The provider's content rules refused this request. Put it differently; sending it again as it "
            "is will not help.",
            "you",
        ),
        ErrorKind(
            "quota",
            "Balance or quota used up",
            "The balance or quota behind this key is used up. The owner of the key has to top up or raise "
            "the limit.",
            "key owner",
        ),
        ErrorKind(
            "rate_limited",
            "Too many requests",
            "The gateway asks for a pause. Wait, then try again.",
            "you",
            retryable=True,
            auto_retry=True,
        ),
        ErrorKind(
            "upstream_unavailable",
            "The provider is unavailable",
            "The gateway or the model's provider has a fault of its own for now. Try again in a while, or "
            "choose another model.",
            "gateway",
            retryable=True,
            auto_retry=True,
        ),
        ErrorKind(
            "timeout",
            "No answer in time",
            "The gateway did not answer in time. Try again.",
            "gateway",
            retryable=True,
            auto_retry=True,
        ),
        ErrorKind(
            "network",
            "The gateway was not reached",
            "The connection to the gateway failed. Check the gateway address of the key and the network, "
            "then try again.",
            "you",
            retryable=True,
            auto_retry=True,
        ),
        ErrorKind(
            "interrupted",
            "The answer broke off",
            "The answer ended before it was complete. What came is kept; continue it or try again.",
            "nobody",
            retryable=True,
        ),
        ErrorKind(
            "protocol",
            "Unreadable answer",
            "The gateway answered in a form that could not be read. Try again; if it happens again, check "
            "the gateway address of the key.",
            "gateway",
            retryable=True,
        ),
        ErrorKind(
            "unknown",
            "Something went wrong",
            "The gateway reported an error of a kind not known here. Read its message, then try again.",
            "nobody",
            retryable=True,
        ),
    )
}
