"""How long an answer may become: more than was set aside for it is set aside as it grows, or it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playground.chat import spending
from playground.chat.ledger import Claim
from playground.gateway.errors import GatewayError
from playground.gateway.estimate import tokens_of
from playground.usage.budgets import OverBudget

LOOK_EVERY = 2_000  # characters


class Allowance:
    """Of one run: `claim.allowed` tokens were set aside for what it writes; None where no budget asks."""

    def __init__(self, claim: Claim, in_thread: Callable[..., Awaitable[Any]]) -> None:
        self._run, self._tokens, self._in_thread = claim.row, claim.allowed, in_thread
        self._new: list[str] = []
        self._length = self._count = 0

    def wrote(self, text: str) -> None:
        """More of the answer has come."""
        if self._tokens is not None:
            self._new.append(text)
            self._length += len(text)

    async def hold(self) -> None:
        """Asked again and again; each piece of the answer is counted once.

        Raises GatewayError when there is no room for more of it.
        """
        if self._tokens is None or self._length < LOOK_EVERY:
            return
        self._count += tokens_of("".join(self._new))
        self._new, self._length = [], 0
        if self._count <= self._tokens:
            return
        try:
            self._tokens = await self._in_thread(spending.extend, self._run, self._count)
        except OverBudget as error:
            raise GatewayError("quota", str(error), code=spending.OVER) from None
