"""How a family tells of its tasks, as one row of paths; the reading is the same for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.gateway import errors
from playground.gateway.media import answers, outputs, paths
from playground.gateway.media.observation import Observation, Output, State, Submitted
from playground.gateway.media.outputs import Harvest
from playground.gateway.media.states import ENDED_BADLY, failure_kind, normal, state_of

LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """Paths by what stands there, the likeliest first. `states` and `stages` are by normal word.

    `progress` is read as a share of `whole`. `lives_s`: how long an address is good. `ok_codes`: what a
    top-level `code` says when nothing is wrong.
    """

    ids: tuple[str, ...]
    words: tuple[str, ...]
    outputs: tuple[Harvest, ...]
    messages: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()
    usage: tuple[str, ...] = ()
    states: Mapping[str, State] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    ok_codes: frozenset[str] = answers.OK_CODES
    whole: float = 100
    lives_s: int | None = None

    def submitted(self, body: bytes, content_type: str = "") -> Submitted:
        """The answer to a create call. Raises GatewayError: the refusal in it, or "protocol"."""
        answer = answers.parsed(body)
        if (refused := answers.refusal(answer, self.ok_codes)) is not None:
            raise refused
        return self.taken(answer)

    def taken(self, answer: Any) -> Submitted:
        upstream_id = self.id_in(answer)
        if not upstream_id:
            raise answers.unreadable(answer, "The gateway did not say which task it made.", "no_id")
        return Submitted(upstream_id, errors.request_id({}, answer), self.word_in(answer))

    def observed(self, body: bytes) -> Observation:
        """The answer to a query. Raises GatewayError when it says nothing about the task."""
        answer = answers.parsed(body)
        word = self.word_in(answer)
        state: State = state_of(word, self.states) if word else "unknown"
        refused = answers.refusal(answer, self.ok_codes)
        if refused is not None and state not in ENDED_BADLY:
            raise refused
        if not word:
            raise answers.unreadable(answer, "The gateway did not say how the task stands.", "no_state")
        return self._told(answer, state, word)

    def _told(self, answer: Any, state: State, word: str) -> Observation:
        kind, message, code = self._failure(answer) if state in ENDED_BADLY else ("", "", "")
        return Observation(
            state,
            word,
            stage=self.stages.get(normal(word), ""),
            progress=self._progress(answer),
            outputs=self._outputs(answer, state),
            error_kind=kind if state == "failed" else "",
            error_message=message,
            error_code=code,
            request_id=errors.request_id({}, answer),
            usage=answers.tidy_object(paths.first(answer, *self.usage)),
        )

    def id_in(self, answer: Any) -> str:
        """The task's id, "" if there is none that could be asked for."""
        value = paths.first(answer, *self.ids)
        text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        return text if is_id(text) else ""

    def word_in(self, answer: Any) -> str:
        return answers.word(paths.first(answer, *self.words))

    def _failure(self, answer: Any) -> tuple[str, str, str]:
        message = paths.first(answer, *self.messages)
        message = errors.plain(message) if isinstance(message, str) else ""
        code = answers.word(paths.first(answer, *self.codes))
        return failure_kind(code, message), message, code

    def _progress(self, answer: Any) -> float | None:
        told = answers.number(paths.first(answer, *self.progress))
        return None if told is None else min(max(told / self.whole, 0.0), 1.0)

    def _outputs(self, answer: Any, state: State) -> tuple[Output, ...]:
        if state in ENDED_BADLY:
            return ()
        return outputs.gathered(answer, self.outputs, final=state == "succeeded", lives_s=self.lives_s)


def is_id(text: str) -> bool:
    """Whether it can stand in a path as one segment that no proxy would resolve."""
    return 0 < len(text) <= LONGEST_ID and text.isascii() and text.isprintable() and bool(text.strip(". "))
