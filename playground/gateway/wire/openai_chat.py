"""OpenAI chat: `POST /openai/v1/chat/completions` (contract section 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playground.gateway import assembly, errors, exact
from playground.gateway.assembly import word
from playground.gateway.events import Event, FinishReason, PartKind, Usage
from playground.gateway.request import (
    ChatRequest,
    ImagePart,
    Message,
    OutputSchema,
    Part,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    WireRequest,
)
from playground.gateway.sse import Frame
from playground.gateway.wire import body, reading
from playground.gateway.wire.family import Family, UsageWords
from playground.gateway.wire.openai_chat_params import PARAMS
from playground.gateway.wire.openai_chat_thoughts import SignedThoughts, text_of
from playground.gateway.wire.reading import arguments, first_told, index_of, inner, is_bare_error, tokens

PATH = "/openai/v1/chat/completions"

# What `encode` writes itself; a parameter of the same name is not taken.
_OURS = frozenset({"model", "messages", "stream", "stream_options", "tools", "tool_choice"})


def encode(request: ChatRequest) -> WireRequest:
    """The request as this family sends it. Raises GatewayError("invalid_request") if it has no JSON form."""
    params = body.nested(request.params, without=_OURS)
    wire = {name: _param(name, value) for name, value in params.items()}
    wire |= {"model": request.model, "messages": _messages(request), "stream": request.stream}
    if request.stream:
        wire["stream_options"] = {"include_usage": True}
    if request.schema is not None:
        wire["response_format"] = {"type": "json_schema", "json_schema": _schema(request.schema)}
    if request.tools:
        wire["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice:
            wire["tool_choice"] = _tool_choice(request.tool_choice)
    return body.post(PATH, wire, request)


def _schema(schema: OutputSchema) -> dict[str, Any]:
    return {"name": schema.name, "strict": schema.strict, "schema": dict(schema.schema)}


def _param(name: str, value: Any) -> Any:
    return {"type": value} if name == "response_format" and isinstance(value, str) else value


def _messages(request: ChatRequest) -> list[dict[str, Any]]:
    system = [{"role": "system", "content": request.system}] if request.system else []
    return system + [wire for message in request.messages for wire in _message(message)]


def _message(message: Message) -> Iterator[dict[str, Any]]:
    """One message each for the tool results in it, then one for the rest."""
    rest = [part for part in message.parts if not isinstance(part, ToolResultPart)]
    for part in message.parts:
        if isinstance(part, ToolResultPart):
            yield {"role": "tool", "tool_call_id": part.call_id, "content": part.content}
    if rest or not message.parts:
        calls = [_tool_call(part) for part in rest if isinstance(part, ToolCallPart)]
        said = [part for part in rest if not isinstance(part, ToolCallPart)]
        role = "user" if message.role == "tool" else message.role
        wire: dict[str, Any] = {"role": role, "content": _content(said) if said or not calls else None}
        if message.native and role == "assistant":
            wire["thinking_blocks"] = exact.Source(message.native)
        yield wire | ({"tool_calls": calls} if calls else {})


def _content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    if len(texts) == len(parts):
        return "\n\n".join(texts)
    return [_block(part) for part in parts]


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        url = part.url or f"data:{part.media_type};base64,{part.data_b64}"
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "text", "text": part.text if isinstance(part, TextPart) else ""}


def _tool_call(part: ToolCallPart) -> dict[str, Any]:
    function = {"name": part.name, "arguments": part.arguments or "{}"}
    return {"id": part.call_id, "type": "function", "function": function}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = dict(tool.parameters) or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> Any:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "filtered",
    # Other families' words, which relays let through.
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
}


class Decoder(assembly.Decoder):
    """`chat.completion.chunk` frames to events, and a whole `chat.completion` to the same ones.

    The reason for stopping is not the end: usage comes after it. `[DONE]` or the end of the stream is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reason = ""
        self._complete = False
        self._signed = SignedThoughts()

    def _read(self, frame: Frame) -> None:
        if frame.data == "[DONE]":
            self._conclude()
            return
        try:
            chunk = exact.loads_leniently(frame.data)
        except (ValueError, RecursionError):
            self._unreadable(frame)
            return
        if frame.event == "error" and not (isinstance(chunk, dict) and chunk.get("error")):
            self.fail_with(errors.from_error_object(chunk))
        elif isinstance(chunk, dict):
            self.take(chunk)
        else:
            self.ignored += 1

    def _unreadable(self, frame: Frame) -> None:
        if frame.event == "error":
            self.fail_with(errors.from_error_object(frame.data))
        elif frame.cut or self._complete:
            # Half a frame is what a cut leaves, and after the reason nothing is missed: `end` judges.
            self.ignored += 1
        else:
            self.fail("protocol", "The gateway sent a part of the answer that is not JSON.", "bad_json")

    def take(self, chunk: dict[str, Any]) -> None:
        """One object of the wire: a chunk, a whole answer or an error."""
        if _is_error(chunk):
            self.fail_with(errors.from_error_object(chunk))
            return
        self.meet(chunk.get("id"), chunk.get("model"))
        choices = chunk.get("choices") or ()
        for choice in choices if isinstance(choices, (list, tuple)) else (choices,):
            self._choice(choice)
            if self.ended:
                return
        if (usage := chunk.get("usage")) is not None:
            self._count(usage)

    def take_whole(self, answer: Any) -> None:
        """A whole answer is complete by its framing, even if it gives no reason for stopping."""
        if not isinstance(answer, dict) or not (_is_error(answer) or answer.get("choices")):
            self.fail("protocol", "The gateway's answer holds no message.", "no_choices")
            return
        self.take(answer)
        if not self.ended:
            self._complete = True
            self._conclude()

    def _conclude(self) -> None:
        if self._complete:
            # Thoughts are taken back with what they led to, not alone.
            answered = self.tools_called or self._spoken_kind == "text"
            native = self._signed.native() if answered else ""
            self.finish(_REASONS.get(self._reason, "other"), self._reason, native)
        else:
            self.fail("interrupted", "The stream ended before the answer was complete.", "no_finish_reason")

    def _choice(self, choice: Any) -> None:
        if not isinstance(choice, dict) or choice.get("index") not in (0, None):
            self.ignored += 1
            return
        if choice.get("error"):
            self.fail_with(errors.from_error_object(choice))
            return
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._delta(delta)
        elif delta:
            self.ignored += 1
        reason = word(choice.get("finish_reason"))
        if reason == "error":
            self.fail("upstream_unavailable", "The provider broke the answer off with an error.", reason)
        elif reason:
            self._reason, self._complete = reason, True

    def _delta(self, delta: dict[str, Any]) -> None:
        content = delta.get("content")
        # Most deltas are text and nothing else.
        if len(delta) > 1 or content is None:
            self._think(delta)
        if isinstance(content, str):
            self.say("text", content)
        elif content is not None:
            self._blocks(content)
        if len(delta) > 1 or content is None:
            self._refuse_and_call(delta)

    def _think(self, delta: dict[str, Any]) -> None:
        """LiteLLM sends the same thought under several names at once: the first that has text is taken."""
        for name in ("reasoning_content", "reasoning", "thinking_blocks"):
            value = delta.get(name)
            thought = "".join(map(text_of, value)) if isinstance(value, list) else value
            if isinstance(thought, str) and thought:
                self.say("thinking", thought)
                break
            self.ignored += bool(thought)
        if (blocks := delta.get("thinking_blocks")) and self._signed.take(blocks):
            self.hint("thinking", "redacted")

    def _blocks(self, content: Any) -> None:
        """Content as a list of parts, as some relays send it."""
        for block in content if isinstance(content, list) else [None]:
            kind, text = _said(block)
            if text:
                self.say(kind, text)
            else:
                self.ignored += 1

    def _refuse_and_call(self, delta: dict[str, Any]) -> None:
        refusal = delta.get("refusal")
        if isinstance(refusal, str):
            self.say("refusal", refusal)
        elif refusal is not None:
            self.ignored += 1
        if annotations := delta.get("annotations"):
            self._cite(annotations)
        calls = delta.get("tool_calls")
        if calls:
            for call in calls if isinstance(calls, list) else [calls]:
                self._call(call)
        elif (legacy := delta.get("function_call")) is not None:
            # The one call of the older form: index 0, no id.
            self._call({"index": 0, "function": legacy})

    def _cite(self, told: Any) -> None:
        for row in told if isinstance(told, list) else ():
            source = inner(row, "url_citation")
            self.cite(source.get("url"), source.get("title"))

    def _call(self, call: Any) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not (isinstance(function, dict) or function is None):
            self.ignored += 1
            return
        function = function or {}
        self.call_tool(
            index_of(call),
            word(call.get("id")),
            word(function.get("name")),
            arguments(function.get("arguments")),
        )

    def _count(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            self.ignored += 1
            return
        read, written = inner(usage, "prompt_tokens_details"), inner(usage, "completion_tokens_details")
        self.report(
            Usage(
                input_tokens=tokens(usage.get("prompt_tokens")),
                output_tokens=tokens(usage.get("completion_tokens")),
                cache_read_tokens=first_told(read.get("cached_tokens"), usage.get("cache_read_input_tokens")),
                cache_write_tokens=first_told(
                    read.get("cache_write_tokens"),
                    read.get("cache_creation_tokens"),
                    usage.get("cache_creation_input_tokens"),
                ),
                reasoning_tokens=tokens(written.get("reasoning_tokens")),
            )
        )


def decode_whole(whole: bytes) -> list[Event]:
    """A non-streamed answer as the same events. Never raises."""
    decoder = Decoder()
    return reading.decode_whole(whole, decoder, decoder.take_whole)


def _is_error(chunk: Mapping[str, Any]) -> bool:
    return bool(chunk.get("error")) or ("choices" not in chunk and is_bare_error(chunk))


def _said(block: Any) -> tuple[PartKind, str]:
    if isinstance(block, str):
        return "text", block
    if not isinstance(block, dict):
        return "text", ""
    names: tuple[tuple[PartKind, str], ...] = (
        ("text", "text"),
        ("thinking", "thinking"),
        ("refusal", "refusal"),
    )
    for kind, name in names:
        if isinstance(text := block.get(name), str):
            return kind, text
    return "text", ""


FAMILY = Family(
    key="openai_chat",
    label="OpenAI chat",
    encode=encode,
    decoder=Decoder,
    decode_whole=decode_whole,
    params=PARAMS,
    usage=UsageWords(
        fresh="the rest of prompt_tokens",
        cache_read="prompt_tokens_details.cached_tokens",
        cache_write="prompt_tokens_details.cache_write_tokens",
        answer="the rest of completion_tokens",
        reasoning="completion_tokens_details.reasoning_tokens",
    ),
    models="openai_chat",
    models_path="/openai/v1/models",
)
