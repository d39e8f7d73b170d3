"""The official OpenAI SDK on the Responses route of the demo gateway."""

import base64
import json

import openai
import pytest

PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + bytes(40)
).decode()


def tool(name, **properties):
    return {"type": "function", "name": name, "parameters": {"type": "object", "properties": properties}}


TOOLS = [tool("get_weather", city={"type": "string"}), tool("get_stock", sku={"type": "string"})]
BOTH = "What is the weather in Paris, and the stock of 42?"


def ask(sdk, prompt="Explain tides", **fields):
    return sdk.responses.create(**{"model": "demo-chat", "input": prompt, **fields})


def streamed(sdk, prompt="Explain tides", **fields):
    """The events of a stream and the response the SDK puts together from them."""
    with sdk.responses.stream(**{"model": "demo-chat", "input": prompt, **fields}) as stream:
        events = list(stream)
        return events, stream.get_final_response()


def kinds(response):
    return [item.type for item in response.output]


def test_a_plain_answer_names_the_topic_and_says_that_it_is_a_demo(sdk):
    answer = ask(sdk)
    assert "tides" in answer.output_text and "demo" in answer.output_text
    assert (answer.status, kinds(answer)) == ("completed", ["message"])
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_a_stream_says_the_same_as_the_plain_answer_and_numbers_its_events(sdk):
    events, answer = streamed(sdk, temperature=0)
    assert answer.output_text == ask(sdk, temperature=0).output_text
    assert answer.status == "completed"
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))


def test_instructions_are_obeyed(sdk):
    assert "\n" not in ask(sdk, instructions="Answer in one short line.").output_text


def test_reasoning_comes_first_and_its_summary_only_when_asked_for(sdk):
    shown = ask(sdk, reasoning={"effort": "high", "summary": "auto"})
    hidden = ask(sdk, reasoning={"effort": "high"})
    assert kinds(shown) == kinds(hidden) == ["reasoning", "message"]
    assert "tides" in shown.output[0].summary[0].text
    assert hidden.output[0].summary == []
    assert hidden.usage.output_tokens_details.reasoning_tokens > 20
    assert kinds(ask(sdk)) == ["message"]


def test_reasoning_in_detail_streams_two_summaries(sdk):
    events, answer = streamed(
        sdk, model="demo-reasoning", reasoning={"effort": "high", "summary": "detailed"}
    )
    parts = {}
    for event in events:
        if event.type == "response.reasoning_summary_text.delta":
            parts[event.summary_index] = parts.get(event.summary_index, "") + event.delta
    assert [parts[0], parts[1]] == [part.text for part in answer.output[0].summary]


def test_encrypted_reasoning_goes_back_and_is_refused_when_it_was_changed(sdk):
    fields = {"model": "demo-reasoning", "store": False, "include": ["reasoning.encrypted_content"]}
    question = {"role": "user", "content": "Explain tides"}
    first = ask(sdk, [question], **fields)
    items = [item.model_dump(exclude_none=True) for item in first.output]
    again = {"role": "user", "content": "And the moon?"}
    assert "moon" in ask(sdk, [question, *items, again], **fields).output_text
    items[0]["encrypted_content"] = items[0]["encrypted_content"][:-4] + "AAAA"
    with pytest.raises(openai.BadRequestError) as refused:
        ask(sdk, [question, *items, again], **fields)
    assert refused.value.code == "invalid_encrypted_content"


def test_reasoning_that_was_not_kept_anywhere_is_not_found(sdk):
    question = {"role": "user", "content": "Explain tides"}
    first = ask(sdk, [question], model="demo-reasoning", store=False)
    items = [item.model_dump(exclude_none=True) for item in first.output]
    with pytest.raises(openai.NotFoundError, match="Items are not persisted"):
        ask(sdk, [question, *items, question], store=False)


def test_two_tools_are_called_at_once_and_their_results_are_used(sdk):
    question = {"role": "user", "content": BOTH}
    called = ask(sdk, [question], tools=TOOLS)
    weather, stock = called.output
    assert json.loads(weather.arguments) == {"city": "Paris"}
    assert json.loads(stock.arguments) == {"sku": "42"}
    calls = [call.model_dump(exclude_none=True) for call in called.output]
    results = [
        {"type": "function_call_output", "call_id": weather.call_id, "output": '{"sky":"clear"}'},
        {"type": "function_call_output", "call_id": stock.call_id, "output": '{"on_hand":3}'},
    ]
    after = ask(sdk, [question, *calls, *results], tools=TOOLS)
    assert '"sky": "clear"' in after.output_text and '"on_hand": 3' in after.output_text
    with pytest.raises(openai.BadRequestError, match="No tool output found"):
        ask(sdk, [question, *calls, results[0]], tools=TOOLS)


def test_calls_stream_with_their_own_place(sdk):
    events, answer = streamed(sdk, BOTH, tools=TOOLS)
    arguments = {}
    for event in events:
        if event.type == "response.function_call_arguments.delta":
            arguments[event.output_index] = arguments.get(event.output_index, "") + event.delta
    assert list(arguments.values()) == [item.arguments for item in answer.output]
    assert len(arguments) == 2


def test_tools_can_be_forbidden_demanded_and_kept_to_one(sdk):
    assert kinds(ask(sdk, BOTH, tools=TOOLS, tool_choice="none")) == ["message"]
    assert kinds(ask(sdk, BOTH, tools=TOOLS, parallel_tool_calls=False)) == ["function_call"]
    assert kinds(ask(sdk, "Hello!", tools=TOOLS)) == ["message"]
    assert kinds(ask(sdk, "Hello!", tools=TOOLS, tool_choice="required")) == ["function_call"]
    one = ask(sdk, "Hello!", tools=TOOLS, tool_choice={"type": "function", "name": "get_stock"})
    assert one.output[0].name == "get_stock"


def test_a_schema_is_answered_with_json_that_fits_it(sdk):
    schema = {
        "type": "object",
        "properties": {"number": {"type": "string"}, "total": {"type": "number", "minimum": 10}},
        "required": ["number", "total"],
    }
    wanted = {"format": {"type": "json_schema", "name": "invoice", "schema": schema}}
    value = json.loads(ask(sdk, "Invoice 9, 12.50 EUR", text=wanted).output_text)
    assert value["number"] == "9" and value["total"] >= 10
    assert json.loads(ask(sdk, text={"format": {"type": "json_object"}}).output_text)["demo"] is True


def test_images_and_files_are_acknowledged(sdk):
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    words = {"type": "input_text", "text": "What is this?"}
    text = ask(sdk, [{"role": "user", "content": [words, picture]}]).output_text
    assert "1 image " in text and "image/png, 64 bytes, 640 × 480 px" in text
    paper = {"type": "input_file", "file_url": "https://files.example.test/paper.pdf?secret=1"}
    text = ask(sdk, [{"role": "user", "content": [words, paper]}]).output_text
    assert "files.example.test/paper.pdf" in text and "secret" not in text


def test_a_limit_leaves_the_answer_incomplete(sdk):
    cut = ask(sdk, max_output_tokens=7, temperature=0)
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert cut.usage.output_tokens == 7
    events = list(ask(sdk, max_output_tokens=7, stream=True))
    assert events[-1].type == "response.incomplete"


def test_a_refusal_and_a_filter_have_their_own_shape(sdk):
    refused = ask(sdk, model="demo-refusal").output[0].content[0]
    assert (refused.type, "cannot help" in refused.refusal) == ("refusal", True)
    filtered = ask(sdk, model="demo-content-filter")
    assert filtered.incomplete_details.reason == "content_filter"


def test_an_answer_is_kept_unless_that_is_forbidden(sdk):
    kept = ask(sdk)
    assert sdk.responses.retrieve(kept.id).output_text == kept.output_text
    with pytest.raises(openai.NotFoundError, match="not found"):
        sdk.responses.retrieve(ask(sdk, store=False).id)


def test_a_cached_beginning_is_counted_when_a_cache_key_is_given(sdk):
    prompt = "About cached answers: " + "word " * 50
    cached = [
        ask(sdk, prompt, prompt_cache_key="k").usage.input_tokens_details.cached_tokens for _ in range(2)
    ]
    assert cached == [0, 64]


def test_an_earlier_response_cannot_be_named(sdk):
    with pytest.raises(openai.BadRequestError) as refused:
        ask(sdk, previous_response_id="resp_1")
    assert refused.value.body == {
        "message": "previous_response_id is only supported on Responses WebSocket v2",
        "type": "invalid_request_error",
        "param": "",
        "code": None,
    }


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("demo-error-400", openai.BadRequestError),
        ("demo-error-401", openai.AuthenticationError),
        ("demo-error-429", openai.RateLimitError),
        ("demo-error-503", openai.InternalServerError),
        ("demo-nobody", openai.PermissionDeniedError),
        ("demo-echo-key", openai.AuthenticationError),
    ],
)
def test_errors_are_the_ones_the_sdk_knows(sdk, model, error):
    with pytest.raises(error):
        ask(sdk, model=model)


@pytest.mark.parametrize(
    ("model", "last"), [("demo-error-after-4", "response.failed"), ("demo-error-after-5", "error")]
)
def test_a_stream_fails_in_the_two_ways_of_the_family(sdk, model, last):
    events = list(ask(sdk, model=model, stream=True))
    assert events[-1].type == last
    assert sum(event.type == "response.output_text.delta" for event in events) == int(model[-1])
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_whole_answer_can_fail_too(sdk):
    assert ask(sdk, model="demo-error-after-4").status == "failed"


def test_disorder_on_the_wire_leaves_the_text_whole(sdk):
    for model in ("demo-split-utf8", "demo-no-usage", "demo-usage-last-choice"):
        assert streamed(sdk, model=model)[1].output_text == ask(sdk, model=model).output_text


def test_a_stream_can_stop_without_its_end(sdk):
    last = list(ask(sdk, model="demo-no-done", stream=True))[-1]
    assert last.type == "response.output_item.done"


def test_a_long_answer_has_exactly_the_tokens_asked_for(sdk):
    assert streamed(sdk, model="demo-fast-777")[1].usage.output_tokens == 777


def test_broken_arguments_come_as_they_are(sdk):
    (call,) = ask(sdk, "Stock of 42?", model="demo-bad-arguments", tools=TOOLS).output
    with pytest.raises(json.JSONDecodeError):
        json.loads(call.arguments)


def test_a_question_for_sources_is_answered_with_citations_the_sdk_reads(sdk):
    prompt = "Explain tides and cite your sources"
    events, answer = streamed(sdk, prompt, temperature=0)
    streamed_ones = [event.annotation for event in events if event.type.endswith("annotation.added")]
    (part,) = answer.output[0].content
    whole = ask(sdk, prompt, temperature=0).output[0].content[0].annotations
    assert [row.url for row in part.annotations] == [row.url for row in streamed_ones]
    assert [row.title for row in whole] == [row.title for row in part.annotations] != []
    assert all(row.type == "url_citation" and "tides" in row.title for row in whole)


def test_nothing_is_cited_that_was_not_asked_for(sdk):
    assert ask(sdk).output[0].content[0].annotations == []
