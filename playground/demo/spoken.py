"""An answer cut into tokens: stop sequences and the token limit applied."""

from dataclasses import dataclass

from .answers import Answer, Call
from .asks import Ask
from .pace import split

_BEFORE_FILTER = 12


@dataclass(frozen=True, slots=True)
class Spoken:
    """What goes over the wire, in this order; `finish` is the reason in the words of the chat family.

    `stopped_by` is the stop sequence that ended the text, if one did.
    """

    reasoning: list[str]
    refusal: list[str]
    text: list[str]
    calls: tuple[Call, ...]
    finish: str
    stopped_by: str = ""

    @property
    def tokens(self) -> int:
        arguments = sum(len(split(call.arguments)) for call in self.calls)
        return len(self.reasoning) + len(self.refusal) + len(self.text) + arguments


def speak(answer: Answer, ask: Ask) -> Spoken:
    finish = "tool_calls" if answer.calls else "stop"
    before, stopped_by = _until_stop(answer.text, ask.stops)
    text, reasoning = split(before), split(answer.reasoning)
    if answer.filtered:
        text, finish = text[:_BEFORE_FILTER], "content_filter"
    limit = ask.max_tokens
    if limit is not None and len(reasoning) + len(text) > limit:
        reasoning, finish, stopped_by = reasoning[:limit], "length", ""
        text = text[: limit - len(reasoning)]
    calls = _within(answer.calls, limit, len(reasoning) + len(text))
    finish = finish if len(calls) == len(answer.calls) else "length"
    return Spoken(reasoning, split(answer.refusal), text, calls, finish, stopped_by)


def _within(calls: tuple[Call, ...], limit: int | None, spent: int) -> tuple[Call, ...]:
    """The calls that the token limit leaves room for; none is cut, since not every family could write it."""
    if limit is None:
        return calls
    fitting = []
    for call in calls:
        spent += len(split(call.arguments))
        if spent > limit:
            break
        fitting.append(call)
    return tuple(fitting)


def _until_stop(text: str, stops: tuple[str, ...]) -> tuple[str, str]:
    """The text before the first stop sequence, and that sequence."""
    found = [(text.index(stop), stop) for stop in stops if stop in text]
    if not found:
        return text, ""
    place, stop = min(found)
    return text[:place], stop
