"""An answer cut into tokens: stop sequences and the token limit applied."""

from dataclasses import dataclass

from .answers import Answer, Call
from .asks import Ask
from .pace import split

_BEFORE_FILTER = 12


@dataclass(frozen=True, slots=True)
class Spoken:
    """What goes over the wire, in this order; `finish` is the reason in the words of the chat family."""

    reasoning: list[str]
    refusal: list[str]
    text: list[str]
    calls: tuple[Call, ...]
    finish: str

    @property
    def tokens(self) -> int:
        arguments = sum(len(split(call.arguments)) for call in self.calls)
        return len(self.reasoning) + len(self.refusal) + len(self.text) + arguments


def speak(answer: Answer, ask: Ask) -> Spoken:
    finish = "tool_calls" if answer.calls else "stop"
    text, reasoning = split(_until_stop(answer.text, ask.stops)), split(answer.reasoning)
    if answer.filtered:
        text, finish = text[:_BEFORE_FILTER], "content_filter"
    limit = ask.max_tokens
    if limit is not None and len(reasoning) + len(text) > limit:
        reasoning, finish = reasoning[:limit], "length"
        text = text[: limit - len(reasoning)]
    return Spoken(reasoning, split(answer.refusal), text, answer.calls, finish)


def _until_stop(text: str, stops: tuple[str, ...]) -> str:
    places = [text.index(stop) for stop in stops if stop in text]
    return text[: min(places)] if places else text
