"""The official Anthropic SDK as the client of the demo gateway."""

import base64
import json

import anthropic
import pytest

PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + bytes(40)
).decode()


def tool(name, **properties):
    return {"name": name, "input_schema": {"type": "object", "properties": properties}}


TOOLS = [tool("get_weather", city={"type": "string"}), tool("get_stock", sku={"type": "string"})]
BOTH = "What is the weather in Paris, and the stock of 42?"
# The SDK has no word for it any more, the contract has.
FIXED = {"temperature": 0}
THINKING = {"type": "enabled", "budget_tokens": 1024}


def question(content):
    return {"role": "user", "content": content}


def ask(claude, prompt="Explain tides", **fields):
    usual = {"model": "demo-chat", "max_tokens": 4096, "messages": [question(prompt)]}
    return claude.messages.create(**{**usual, **fields})


def streamed(claude, prompt="Explain tides", **fields):
    """The events of a stream and the message the SDK puts together from them."""
    usual = {"model": "demo-chat", "max_tokens": 4096, "messages": [question(prompt)]}
    with claude.messages.stream(**{**usual, **fields}) as stream:
        events = list(stream)
        return events, stream.get_final_message()


def text(message):
    return "".join(block.text for block in message.content if block.type == "text")


def kinds(message):
    return [block.type for block in message.content]


def sent_back(message):
    return {
        "role": "assistant",
        "content": [block.model_dump(exclude_none=True) for block in message.content],
    }


def result(call, content, **more):
    return {"type": "tool_result", "tool_use_id": call.id, "content": content, **more}


def test_a_plain_answer_names_the_topic_and_says_that_it_is_a_demo(claude):
    answer = ask(claude)
    assert "tides" in text(answer) and "demo" in text(answer)
    assert (answer.stop_reason, kinds(answer)) == ("end_turn", ["text"])


def test_a_stream_says_the_same_as_the_plain_answer(claude):
    events, answer = streamed(claude, extra_body=FIXED)
    assert text(answer) == text(ask(claude, extra_body=FIXED))
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens > 20
    assert events[0].type == "message_start"


def test_the_system_prompt_is_obeyed_as_text_and_as_blocks(claude):
    for system in ("Answer in one short line.", [{"type": "text", "text": "Answer in one short line."}]):
        assert "\n" not in text(ask(claude, system=system))


def test_thinking_appears_when_asked_for_and_only_then(claude):
    assert kinds(ask(claude, thinking=THINKING)) == ["thinking", "text"]
    assert kinds(ask(claude, thinking={"type": "adaptive"})) == ["thinking", "text"]
    assert kinds(ask(claude, model="demo-reasoning")) == ["text"]
    assert kinds(ask(claude, "With redacted parts", thinking=THINKING)) == [
        "thinking",
        "redacted_thinking",
        "text",
    ]


def test_more_effort_thinks_more(claude):
    low, high = (
        ask(claude, thinking={"type": "adaptive"}, output_config={"effort": effort}).content[0].thinking
        for effort in ("low", "max")
    )
    assert len(low) < len(high)


def test_thinking_goes_back_unchanged_or_is_refused(claude):
    fields = {"thinking": THINKING}
    _, first = streamed(claude, "Something redacted", **fields)
    said = sent_back(first)
    history = [question("Something redacted"), said, question("And the moon?")]
    assert "moon" in text(ask(claude, messages=history, **fields))
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
        ask(claude, messages=history, model="demo-vision", **fields)
    said["content"][0]["thinking"] += " And more."
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
        ask(claude, messages=history, **fields)


def test_two_tools_are_called_at_once_and_their_results_are_used(claude):
    called = ask(claude, BOTH, tools=TOOLS)
    assert called.stop_reason == "tool_use"
    assert kinds(called) == ["text", "tool_use", "tool_use"]
    _, weather, stock = called.content
    assert (weather.input, stock.input) == ({"city": "Paris"}, {"sku": "42"})
    results = [result(weather, '{"sky":"clear"}'), result(stock, [{"type": "text", "text": '{"on_hand":3}'}])]
    history = [question(BOTH), sent_back(called)]
    after = ask(claude, messages=[*history, question(results)], tools=TOOLS)
    assert '"sky": "clear"' in text(after) and '"on_hand": 3' in text(after)
    for wrong in (results[:1], [{"type": "text", "text": "first words"}, *results]):
        with pytest.raises(anthropic.BadRequestError, match="without `tool_result` blocks immediately after"):
            ask(claude, messages=[*history, question(wrong)], tools=TOOLS)
    with pytest.raises(anthropic.BadRequestError, match="unexpected `tool_use_id`"):
        ask(claude, messages=[question(BOTH), {"role": "assistant", "content": "No."}, question(results)])


def test_results_may_come_in_messages_of_their_own(claude):
    called = ask(claude, BOTH, tools=TOOLS)
    apart = [question([result(call, "fine")]) for call in called.content[1:]]
    after = ask(claude, messages=[question(BOTH), sent_back(called), *apart], tools=TOOLS)
    assert "All 2 tools have answered" in text(after)


def test_with_thinking_on_a_call_goes_back_with_its_thinking(claude):
    fields = {"tools": TOOLS, "thinking": THINKING}
    called = ask(claude, BOTH, **fields)
    said = sent_back(called)
    calls = [block for block in called.content if block.type == "tool_use"]
    history = [question(BOTH), said, question([result(call, "fine") for call in calls])]
    assert "tools have answered" in text(ask(claude, messages=history, **fields))
    said["content"] = said["content"][1:]
    with pytest.raises(anthropic.BadRequestError, match="Expected `thinking`"):
        ask(claude, messages=history, **fields)


def test_calls_stream_in_pieces_with_their_own_index(claude):
    events, answer = streamed(claude, BOTH, tools=TOOLS)
    pieces = {}
    for event in events:
        if event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            pieces.setdefault(event.index, []).append(event.delta.partial_json)
    assert [json.loads("".join(one)) for one in pieces.values()] == [
        block.input for block in answer.content[1:]
    ]
    assert all(one[0] == "" and len(one) > 2 for one in pieces.values())


def test_tools_can_be_forbidden_demanded_and_kept_to_one(claude):
    def called(prompt, **choice):
        answer = ask(claude, prompt, tools=TOOLS, tool_choice=choice)
        return [block.name for block in answer.content if block.type == "tool_use"]

    assert called(BOTH, type="none") == []
    assert called(BOTH, type="auto", disable_parallel_tool_use=True) == ["get_weather"]
    assert called("Hello!", type="auto") == []
    assert called("Hello!", type="any") == ["get_weather"]
    assert called("Hello!", type="tool", name="get_stock") == ["get_stock"]


def test_a_schema_is_answered_with_json_that_fits_it(claude):
    schema = {
        "type": "object",
        "properties": {"number": {"type": "string"}, "total": {"type": "number", "minimum": 10}},
        "required": ["number", "total"],
        "additionalProperties": False,
    }
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    value = json.loads(text(ask(claude, "Invoice 9, 12.50 EUR", output_config=wanted)))
    assert value["number"] == "9" and value["total"] >= 10


def test_images_and_documents_are_acknowledged(claude):
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    linked = {
        "type": "image",
        "source": {"type": "url", "url": "https://images.example.test/two.png?key=secret"},
    }
    said = text(ask(claude, [picture, linked, {"type": "text", "text": "What is shown?"}]))
    assert "2 images" in said and "image/png, 64 bytes, 640 × 480 px" in said
    assert "images.example.test/two.png" in said and "secret" not in said
    paper = {"type": "document", "source": {"type": "url", "url": "https://files.example.test/paper.pdf"}}
    assert "application/pdf at files.example.test" in text(ask(claude, [paper]))


def test_every_stop_reason_can_be_had(claude):
    cut = ask(claude, max_tokens=7)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 7)
    stopped = ask(claude, stop_sequences=["gateway", "demo"])
    assert stopped.stop_reason == "stop_sequence"
    assert stopped.stop_sequence == "demo" and "demo" not in text(stopped)
    refused = ask(claude, model="demo-refusal")
    assert (refused.stop_reason, refused.content, refused.stop_details.type) == ("refusal", [], "refusal")
    begun = streamed(claude, model="demo-refusal")[1]
    assert (begun.stop_reason, text(begun)) == ("refusal", "I cannot help")


def test_a_paused_turn_goes_on_to_the_letter(claude):
    _, paused = streamed(claude, model="demo-pause")
    assert paused.stop_reason == "pause_turn"
    history = [question("Explain tides"), sent_back(paused)]
    rest = ask(claude, messages=history, model="demo-pause")
    assert rest.stop_reason == "end_turn"
    # Models with a fault all speak with one voice, so that one tells what the other would have said.
    assert text(paused) + text(rest) == text(ask(claude, model="demo-no-usage"))


def test_counting_tells_what_the_usage_then_adds_up_to(claude):
    mark = {"type": "ephemeral"}
    prompt = {
        "model": "demo-chat",
        "system": [{"type": "text", "text": "Rules. " * 300, "cache_control": mark}],
        "tools": [{**tool("get_stock", sku={"type": "string"}), "cache_control": mark}],
        "messages": [question("Hello!")],
    }
    counted = claude.messages.count_tokens(**prompt).input_tokens
    bare = {**prompt, "system": "Rules. " * 300, "tools": [tool("get_stock", sku={"type": "string"})]}
    assert claude.messages.count_tokens(**bare).input_tokens == counted
    for _ in range(2):
        usage = claude.messages.create(**prompt, max_tokens=100).usage
        figures = (usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
        assert sum(figures) == counted


def test_a_marked_beginning_is_written_once_and_then_read(claude):
    def usage(words, ttl, *more):
        mark = {"type": "ephemeral", "ttl": ttl}
        system = [{"type": "text", "text": words, "cache_control": mark}]
        told = ask(claude, messages=[question("Hello!"), *more], system=system).usage
        return told.cache_creation_input_tokens, told.cache_read_input_tokens

    long = "A stable policy. " * 100
    tokens = len(long) // 4
    assert usage(long, "1h") == (tokens, 0)
    assert usage(long, "1h") == (0, tokens)
    assert usage(long, "5m", {"role": "assistant", "content": "Hi."}, question("More?")) == (0, tokens)
    assert usage("Too short to be kept.", "5m") == (0, 0)
    assert usage("Too short to be kept.", "5m") == (0, 0)


def test_a_mark_further_on_reads_what_is_known_and_writes_the_rest(claude):
    mark = {"type": "ephemeral"}
    first = {"type": "text", "text": "The first part. " * 100, "cache_control": mark}
    second = {"type": "text", "text": "The second part. " * 100}
    ask(claude, messages=[question([first])])
    plain = {name: value for name, value in first.items() if name != "cache_control"}
    told = ask(claude, messages=[question([plain, {**second, "cache_control": {**mark, "ttl": "1h"}}])]).usage
    assert told.cache_read_input_tokens == 400 + 4
    assert told.cache_creation.ephemeral_1h_input_tokens == 425
    assert told.cache_creation.ephemeral_5m_input_tokens == 0


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("demo-error-400", anthropic.BadRequestError),
        ("demo-error-401", anthropic.AuthenticationError),
        ("demo-error-404", anthropic.NotFoundError),
        ("demo-error-429", anthropic.RateLimitError),
        ("demo-error-500", anthropic.InternalServerError),
        ("demo-error-529", anthropic.InternalServerError),
        ("demo-nobody", anthropic.PermissionDeniedError),
        ("demo-echo-key", anthropic.AuthenticationError),
    ],
)
def test_errors_are_the_ones_the_sdk_knows(claude, model, error):
    with pytest.raises(error):
        ask(claude, model=model)


def test_an_error_inside_the_stream_is_raised(claude):
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        streamed(claude, model="demo-error-after-4")


def test_bytes_cut_inside_characters_leave_the_text_whole(claude):
    assert text(streamed(claude, model="demo-split-utf8")[1]) == text(ask(claude, model="demo-split-utf8"))


def test_a_long_answer_has_exactly_the_tokens_asked_for(claude):
    assert streamed(claude, model="demo-fast-777")[1].usage.output_tokens == 777


def test_the_served_model_can_differ_and_its_thinking_still_goes_back(claude):
    fields = {"model": "demo-chat-mini", "thinking": THINKING}
    first = ask(claude, **fields)
    assert first.model == "demo-chat-mini-anyint"
    again = [question("Explain tides"), sent_back(first), question("Go on")]
    assert ask(claude, messages=again, **fields).stop_reason == "end_turn"


def test_the_list_of_models_is_the_same(claude, sdk):
    assert [model.id for model in claude.models.list()] == [model.id for model in sdk.models.list()]


def test_a_question_for_sources_is_answered_with_citations_that_may_come_back(claude):
    prompt = "Explain tides and cite your sources"
    _, answer = streamed(claude, prompt)
    told = [citation.cited_text for citation in answer.content[0].citations]
    whole = ask(claude, prompt).content[0].citations
    assert told == [citation.cited_text for citation in whole] and len(told) == 2
    messages = [question(prompt), sent_back(answer), question("And the moon?")]
    assert ask(claude, messages=messages).content[0].citations is None
