"""The official OpenAI SDK as the client of the demo gateway."""

import base64
import json

import openai
import pytest

QUESTION = [{"role": "user", "content": "Explain tides"}]
PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + bytes(40)
).decode()
STOCK = {
    "type": "function",
    "function": {
        "name": "get_stock",
        "parameters": {
            "type": "object",
            "properties": {"sku": {"type": "string"}, "unit": {"enum": ["piece", "box"]}},
            "required": ["sku", "unit"],
        },
    },
}


def ask(sdk, **fields):
    return sdk.chat.completions.create(**{"model": "demo-chat", "messages": QUESTION, **fields})


def told(sdk, content, **fields):
    answer = ask(sdk, messages=[{"role": "user", "content": content}], **fields)
    return answer.choices[0].message.content


def streamed(sdk, **fields):
    """Text, finish reason and usage of a streamed answer."""
    text, finish, usage = "", None, None
    for chunk in ask(sdk, stream=True, **fields):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish, usage


def test_the_list_holds_working_and_failing_models(sdk):
    ids = [model.id for model in sdk.models.list()]
    assert ids[:2] == ["demo-chat", "demo-chat-mini"]
    assert {"demo-error-429", "demo-cut-after-20", "demo/with-slash"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_plain_answer_names_the_topic_and_says_that_it_is_a_demo(sdk):
    answer = ask(sdk)
    assert "tides" in answer.choices[0].message.content
    assert "demo" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_says_the_same_as_the_plain_answer(sdk):
    text, finish, usage = streamed(sdk, stream_options={"include_usage": True}, seed=1)
    assert text == ask(sdk, seed=1).choices[0].message.content
    assert finish == "stop"
    assert usage.completion_tokens > 20


def test_usage_is_told_only_when_asked_for(sdk):
    assert streamed(sdk)[2] is None


def test_usage_comes_in_a_chunk_without_choices(sdk):
    chunks = list(ask(sdk, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_another_seed_gets_another_answer_and_the_same_seed_the_same(sdk):
    assert streamed(sdk, seed=1)[0] == streamed(sdk, seed=1)[0]
    assert len({streamed(sdk, seed=seed)[0] for seed in range(5)}) == 5


@pytest.mark.parametrize(
    ("question", "mark"),
    [
        ("Write a python function that sorts names", "```python"),
        ("Compare Redis and PostgreSQL in a table", "| Redis | PostgreSQL |"),
        ("A checklist for moving house", "- [ ] "),
        ("Give me a quote about tools", "\n> "),
        ("List ideas for a party", "\n- **"),
        ("Show me everything you can do in markdown", "| --- |"),
    ],
)
def test_the_form_follows_the_question(sdk, question, mark):
    assert mark in told(sdk, question)


def test_a_short_answer_is_given_where_the_system_prompt_asks_for_one(sdk):
    short = ask(sdk, messages=[{"role": "system", "content": "Answer in one short line."}, *QUESTION])
    assert "\n" not in short.choices[0].message.content


def test_the_language_of_the_system_prompt_is_spoken(sdk):
    german = ask(sdk, messages=[{"role": "system", "content": "Answer in German"}, *QUESTION])
    assert "Demo-Gateway, kein echtes Modell" in german.choices[0].message.content


def test_max_tokens_ends_the_answer_with_length(sdk):
    answer = ask(sdk, seed=1, max_tokens=7)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 7
    assert ask(sdk, seed=1).choices[0].message.content.startswith(answer.choices[0].message.content)


def test_a_stop_sequence_ends_the_answer_before_it(sdk):
    text, finish, _ = streamed(sdk, stop=["demo", "gateway"])
    assert "demo" not in text and "gateway" not in text
    assert finish == "stop"


def test_a_cut_answer_is_continued_to_the_letter(sdk):
    whole = ask(sdk, seed=1).choices[0].message.content
    first = ask(sdk, seed=1, max_tokens=20).choices[0].message.content
    go_on = {"role": "user", "content": "Continue exactly where you stopped."}
    history = [*QUESTION, {"role": "assistant", "content": first}, go_on]
    second = ask(sdk, seed=1, messages=history, max_tokens=20).choices[0].message.content
    history += [{"role": "assistant", "content": second}, go_on]
    third = ask(sdk, seed=1, messages=history).choices[0].message.content
    assert first + second + third == whole


def test_a_text_of_another_model_is_continued_without_repeating_it(sdk):
    history = [
        *QUESTION,
        {"role": "assistant", "content": "Tides rise when"},
        {"role": "user", "content": "Go on"},
    ]
    assert "Tides rise when" not in ask(sdk, messages=history).choices[0].message.content


def test_the_same_question_again_is_answered_otherwise_unless_randomness_is_off(sdk):
    words = [{"role": "user", "content": "What is a breakwater for?"}]
    first, second = (ask(sdk, messages=words).choices[0].message.content for _ in range(2))
    assert first != second
    for fixed in ({"seed": 3}, {"temperature": 0}):
        again = {ask(sdk, messages=words, **fixed).choices[0].message.content for _ in range(2)}
        assert len(again) == 1


def test_a_second_take_that_was_cut_is_continued_to_the_letter(sdk):
    question = [{"role": "user", "content": "What is a sextant for?"}]
    ask(sdk, messages=question)
    whole = ask(sdk, messages=question).choices[0].message.content
    begun = whole[: len(whole) // 2]
    go_on = {"role": "user", "content": "Continue exactly where you stopped."}
    history = [*question, {"role": "assistant", "content": begun}, go_on]
    assert begun + ask(sdk, messages=history).choices[0].message.content == whole


def test_several_choices_differ(sdk):
    answer = ask(sdk, n=3)
    assert len({choice.message.content for choice in answer.choices}) == 3


def test_the_served_model_can_differ_from_the_one_asked_for(sdk):
    assert ask(sdk, model="demo-chat-mini").model == "demo-chat-mini-anyint"


def test_reasoning_comes_before_the_text_and_is_counted(sdk):
    fields = []
    for chunk in ask(sdk, model="demo-reasoning", stream=True, stream_options={"include_usage": True}):
        if chunk.choices:
            delta = chunk.choices[0].delta
            fields += ["reasoning"] if getattr(delta, "reasoning_content", None) else []
            fields += ["text"] if delta.content else []
        usage = chunk.usage
    assert fields == sorted(fields) and set(fields) == {"reasoning", "text"}
    assert usage.completion_tokens_details.reasoning_tokens == fields.count("reasoning")


def test_an_offered_tool_is_called_and_its_result_is_used(sdk):
    question = {"role": "user", "content": "Stock of item 42 by the box?"}
    called = ask(sdk, messages=[question], tools=[STOCK])
    (call,) = called.choices[0].message.tool_calls
    assert called.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments) == {"sku": "42", "unit": "box"}
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"on_hand":3}'}
    assistant = called.choices[0].message.model_dump(exclude_none=True)
    after = ask(sdk, messages=[question, assistant, result], tools=[STOCK])
    assert '"on_hand": 3' in after.choices[0].message.content
    assert "get_stock" in after.choices[0].message.content


def test_parallel_calls_are_streamed_with_their_own_index(sdk):
    arguments: dict[int, str] = {}
    messages = [{"role": "user", "content": "Stock of both 42 and 43?"}]
    for chunk in ask(sdk, messages=messages, tools=[STOCK], stream=True):
        for part in chunk.choices[0].delta.tool_calls or []:
            arguments[part.index] = arguments.get(part.index, "") + (part.function.arguments or "")
    assert [json.loads(text)["sku"] for text in arguments.values()] == ["42", "43"]


def test_parallel_calls_can_be_switched_off_and_tools_too(sdk):
    both = [{"role": "user", "content": "Stock of both 42 and 43?"}]
    one = ask(sdk, messages=both, tools=[STOCK], parallel_tool_calls=False)
    none = ask(sdk, messages=both, tools=[STOCK], tool_choice="none")
    assert len(one.choices[0].message.tool_calls) == 1
    assert none.choices[0].message.tool_calls is None


def test_a_schema_is_answered_with_json_that_fits_it(sdk):
    schema = {
        "type": "object",
        "properties": {
            "number": {"type": "string"},
            "total": {"type": "number", "minimum": 10},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 1},
        },
        "required": ["number", "total", "lines"],
        "$defs": {"line": {"type": "object", "properties": {"count": {"type": "integer", "maximum": 5}}}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "invoice", "schema": schema}}
    value = json.loads(told(sdk, "Invoice 9, 12.50 EUR", response_format=wanted))
    assert value["number"] == "9"
    assert value["total"] >= 10
    assert all(line["count"] <= 5 for line in value["lines"])


def test_any_json_object_is_given_for_json_object(sdk):
    assert json.loads(told(sdk, "JSON about tides", response_format={"type": "json_object"}))["demo"] is True


def test_images_are_acknowledged_and_addresses_are_only_named(sdk):
    text = told(
        sdk,
        [
            {"type": "text", "text": "What is on these?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {
                "type": "image_url",
                "image_url": {"url": "https://images.example.test/two.png?signature=secret"},
            },
        ],
        model="demo-vision",
    )
    assert "2 images" in text
    assert "image/png, 64 bytes, 640 × 480 px" in text
    assert "images.example.test/two.png" in text and "secret" not in text


def test_a_cached_beginning_is_counted_when_a_cache_key_is_given(sdk):
    prompt = [{"role": "user", "content": "About cached prompts: " + "word " * 50}]
    first = ask(sdk, messages=prompt, prompt_cache_key="k").usage.prompt_tokens_details.cached_tokens
    second = ask(sdk, messages=prompt, prompt_cache_key="k").usage.prompt_tokens_details.cached_tokens
    assert first == 0
    assert second >= 48


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("400", openai.BadRequestError, "invalid_request"),
        ("401", openai.AuthenticationError, "invalid_api_key"),
        ("402", openai.APIStatusError, "insufficient_quota"),
        ("403", openai.PermissionDeniedError, "model_not_available"),
        ("404", openai.NotFoundError, "not_found"),
        ("408", openai.APIStatusError, "timeout"),
        ("409", openai.ConflictError, "conflict"),
        ("413", openai.APIStatusError, "request_too_large"),
        ("422", openai.UnprocessableEntityError, "unprocessable"),
        ("429", openai.RateLimitError, "rate_limit_exceeded"),
        ("429-quota", openai.RateLimitError, "insufficient_quota"),
        ("500", openai.InternalServerError, "internal_error"),
        ("502", openai.InternalServerError, None),
        ("502-html", openai.InternalServerError, None),
        ("503", openai.InternalServerError, "upstream_unavailable"),
        ("504", openai.InternalServerError, "timeout"),
        ("529", openai.InternalServerError, "overloaded"),
    ],
)
def test_each_error_is_raised_as_the_sdks_own_type(sdk, name, error, code):
    with pytest.raises(error) as raised:
        ask(sdk, model=f"demo-error-{name}")
    assert raised.value.status_code == int(name[:3])
    assert raised.value.code == code


def test_a_rate_limit_tells_the_wait_and_a_quota_does_not(sdk):
    with pytest.raises(openai.RateLimitError) as limit:
        ask(sdk, model="demo-error-429")
    with pytest.raises(openai.RateLimitError) as quota:
        ask(sdk, model="demo-error-429-quota")
    assert limit.value.response.headers["retry-after"] == "7"
    assert "retry-after" not in quota.value.response.headers


def test_an_unknown_model_is_not_allowed(sdk):
    with pytest.raises(openai.PermissionDeniedError) as raised:
        ask(sdk, model="gpt-nobody")
    assert raised.value.code == "model_not_available"


def test_an_error_inside_the_stream_is_raised_after_the_text(sdk):
    text = ""
    with pytest.raises(openai.APIError, match="upstream connection reset"):
        for chunk in ask(sdk, model="demo-error-after-5", stream=True):
            text += chunk.choices[0].delta.content or ""
    assert text


def test_a_flaky_model_is_saved_by_one_retry(sdk):
    with pytest.raises(openai.InternalServerError):
        told(sdk, "flaky, without retry", model="demo-flaky")
    assert told(sdk, "flaky, without retry", model="demo-flaky")


def test_filter_and_refusal_are_told_apart(sdk):
    assert streamed(sdk, model="demo-content-filter")[1] == "content_filter"
    refused = ask(sdk, model="demo-refusal").choices[0].message
    assert refused.content is None and "cannot help" in refused.refusal


@pytest.mark.parametrize(
    "model", ["demo-no-done", "demo-no-usage", "demo-usage-last-choice", "demo-split-utf8"]
)
def test_disorder_on_the_wire_leaves_the_text_whole(sdk, model):
    text, finish, usage = streamed(sdk, model=model, stream_options={"include_usage": True})
    assert text == ask(sdk, model=model).choices[0].message.content
    assert finish == "stop"
    assert (usage is None) == (model == "demo-no-usage")


@pytest.mark.parametrize("kind", ["long", "fast"])
def test_a_long_answer_has_exactly_the_tokens_asked_for(sdk, kind):
    model = f"demo-{kind}-777"
    assert streamed(sdk, model=model, stream_options={"include_usage": True})[2].completion_tokens == 777
