"""The official Google SDK as the client of the demo gateway: text, thoughts, schemas and errors."""

import json

import pytest
from google.genai import errors, types

from tests.demo.gemini_asking import QUESTION, ask, connected, parts_of, streamed, text_of


@pytest.fixture
def google(gateway):
    with connected(gateway) as client:
        yield client


def test_a_plain_answer_names_the_topic_and_says_that_it_is_a_demo(google):
    answer = ask(google)
    assert "tides" in answer.text and "demo" in answer.text
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
    assert answer.model_version == "demo-chat"


def test_a_stream_says_the_same_as_the_plain_answer(google):
    chunks = streamed(google, seed=1)
    assert text_of(chunks) == ask(google, seed=1).text
    assert len(chunks) > 20
    assert [chunk.candidates[0].finish_reason for chunk in chunks[-2:]] == [None, types.FinishReason.STOP]
    counts = [chunk.usage_metadata.candidates_token_count for chunk in chunks]
    assert counts == sorted(counts)
    assert chunks[-1].usage_metadata.total_token_count == sum(
        (chunks[-1].usage_metadata.prompt_token_count, counts[-1])
    )


def test_the_same_question_again_is_answered_otherwise_unless_randomness_is_off(google):
    words = "What is a lighthouse for?"
    assert ask(google, words).text != ask(google, words).text
    for fixed in ({"seed": 3}, {"temperature": 0}):
        assert len({ask(google, words, **fixed).text for _ in range(2)}) == 1


def test_the_system_instruction_is_obeyed(google):
    german = ask(google, system_instruction="Answer in German")
    assert "Demo-Gateway, kein echtes Modell" in german.text


def test_the_token_limit_ends_the_answer_with_max_tokens(google):
    answer = ask(google, seed=1, max_output_tokens=7)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.usage_metadata.candidates_token_count == 7
    assert ask(google, seed=1).text.startswith(answer.text)


def test_a_stop_sequence_ends_the_answer_before_it(google):
    chunks = streamed(google, stop_sequences=["demo", "gateway"])
    assert "demo" not in text_of(chunks) and "gateway" not in text_of(chunks)
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


def test_a_cut_answer_is_continued_to_the_letter(google):
    whole = ask(google, seed=1).text
    first = ask(google, seed=1, max_output_tokens=20).text
    history = [
        types.UserContent(QUESTION),
        types.ModelContent(first),
        types.UserContent("Continue exactly where you stopped."),
    ]
    assert first + ask(google, history, seed=1).text == whole


def test_thoughts_come_first_and_are_counted_apart(google):
    chunks = streamed(google, model="demo-reasoning", thinking_config={"include_thoughts": True})
    parts = [part for part in parts_of(chunks) if part.text]
    thoughts = [part for part in parts if part.thought]
    assert parts[: len(thoughts)] == thoughts and len(parts) > len(thoughts) > 0
    usage = chunks[-1].usage_metadata
    assert usage.thoughts_token_count == len(thoughts)
    assert usage.candidates_token_count == len(parts) - len(thoughts)
    assert usage.total_token_count == usage.prompt_token_count + len(parts)


def test_thoughts_are_counted_but_not_told_unless_asked_for(google):
    answer = ask(google, model="demo-reasoning", seed=1)
    assert not any(part.thought for part in answer.candidates[0].content.parts)
    assert answer.usage_metadata.thoughts_token_count > 0


def test_any_model_thinks_when_asked_to_and_a_budget_of_nothing_ends_it(google):
    shown = ask(google, thinking_config={"include_thoughts": True, "thinking_budget": 9000})
    little = ask(google, thinking_config={"thinking_level": "LOW"})
    none = ask(google, model="demo-reasoning", thinking_config={"thinking_budget": 0})
    assert shown.candidates[0].content.parts[0].thought is True
    assert shown.usage_metadata.thoughts_token_count > little.usage_metadata.thoughts_token_count > 0
    assert none.usage_metadata.thoughts_token_count is None


def test_a_schema_of_the_familys_own_is_answered_with_json_that_fits_it(google):
    schema = {
        "type": "OBJECT",
        "properties": {
            "number": {"type": "STRING"},
            "total": {"type": "NUMBER", "minimum": 10},
            "type": {"type": "STRING", "enum": ["OBJECT", "SERVICE"]},
            "lines": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": 3},
        },
        "required": ["number", "total", "type", "lines"],
    }
    answer = ask(
        google, "Invoice 9, 12.50 EUR", response_mime_type="application/json", response_schema=schema
    )
    value = json.loads(answer.text)
    assert value["number"] == "9" and value["total"] >= 10
    assert value["type"] == "OBJECT"
    assert len(value["lines"]) >= 3 and all(isinstance(line, int) for line in value["lines"])


def test_a_json_schema_is_answered_with_json_that_fits_it_in_a_stream(google):
    schema = {
        "type": "object",
        "properties": {"count": {"type": "integer", "maximum": 5}},
        "required": ["count"],
    }
    chunks = streamed(
        google, "How many of 12?", response_mime_type="application/json", response_json_schema=schema
    )
    assert json.loads(text_of(chunks)) == {"count": 5}


def test_any_json_object_is_given_without_a_schema_and_one_word_for_an_enum(google):
    plain = ask(google, "JSON about tides", response_mime_type="application/json")
    word = ask(
        google,
        "Paint it blue",
        response_mime_type="text/x.enum",
        response_schema={"type": "STRING", "enum": ["red", "blue"]},
    )
    assert json.loads(plain.text)["demo"] is True
    assert word.text == "blue"


def test_a_refusal_ends_with_safety_after_a_few_words(google):
    chunks = streamed(google, model="demo-refusal")
    assert "cannot help" in text_of(chunks)
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.SAFETY
    assert chunks[-1].candidates[0].safety_ratings[0].blocked is True
    drawn = ask(google, model="demo-refusal", response_modalities=["TEXT", "IMAGE"])
    assert drawn.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY


@pytest.mark.parametrize("send", [ask, streamed])
def test_a_filtered_prompt_has_feedback_and_no_candidates(google, send):
    answer = send(google, model="demo-content-filter")
    (one,) = answer if isinstance(answer, list) else [answer]
    assert one.candidates is None
    assert one.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    assert one.usage_metadata.total_token_count == one.usage_metadata.prompt_token_count > 0


def test_a_beginning_that_was_sent_before_is_counted_as_cached(google):
    prompt = "About cached prompts: " + "word " * 300
    first = ask(google, prompt, seed=1).usage_metadata
    second = ask(google, prompt, seed=1).usage_metadata
    assert first.cached_content_token_count is None
    assert 256 <= second.cached_content_token_count <= second.prompt_token_count


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("400", errors.ClientError, "INVALID_ARGUMENT"),
        ("401", errors.ClientError, "UNAUTHENTICATED"),
        ("402", errors.ClientError, "FAILED_PRECONDITION"),
        ("403", errors.ClientError, "PERMISSION_DENIED"),
        ("404", errors.ClientError, "NOT_FOUND"),
        ("408", errors.ClientError, "DEADLINE_EXCEEDED"),
        ("409", errors.ClientError, "ABORTED"),
        ("413", errors.ClientError, "INVALID_ARGUMENT"),
        ("422", errors.ClientError, "INVALID_ARGUMENT"),
        ("429", errors.ClientError, "RESOURCE_EXHAUSTED"),
        ("429-quota", errors.ClientError, "RESOURCE_EXHAUSTED"),
        ("500", errors.ServerError, "INTERNAL"),
        ("502", errors.ServerError, "UNAVAILABLE"),
        ("503", errors.ServerError, "UNAVAILABLE"),
        ("504", errors.ServerError, "DEADLINE_EXCEEDED"),
        ("529", errors.ServerError, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("send", [ask, streamed])
def test_each_error_is_raised_as_the_sdks_own_type(google, name, error, status, send):
    with pytest.raises(error) as raised:
        send(google, model=f"demo-error-{name}")
    assert (raised.value.code, raised.value.status) == (int(name[:3]), status)


def test_a_rate_limit_tells_the_wait_in_its_body_and_a_quota_does_not(google):
    with pytest.raises(errors.ClientError) as limit:
        ask(google, model="demo-error-429")
    with pytest.raises(errors.ClientError) as quota:
        ask(google, model="demo-error-429-quota")
    (wait,) = limit.value.details["error"]["details"]
    assert wait["retryDelay"] == "7s"
    assert "retryDelay" not in json.dumps(quota.value.details)
    assert "current quota" in quota.value.message
    assert "retry-after" not in limit.value.response.headers


def test_an_unknown_model_is_not_allowed(google):
    with pytest.raises(errors.ClientError) as raised:
        ask(google, model="gemini-nobody")
    assert (raised.value.code, raised.value.status) == (403, "PERMISSION_DENIED")


def test_an_error_inside_the_stream_is_raised_after_the_text(google):
    text = ""
    with pytest.raises(errors.ServerError, match="upstream connection reset") as raised:
        for chunk in google.models.generate_content_stream(model="demo-error-after-5", contents=QUESTION):
            text += chunk.text or ""
    assert text
    assert raised.value.status == "UNAVAILABLE"


def test_a_flaky_model_is_saved_by_one_retry(google):
    with pytest.raises(errors.ServerError):
        ask(google, "flaky, without retry", model="demo-flaky")
    assert ask(google, "flaky, without retry", model="demo-flaky").text


@pytest.mark.parametrize(
    "model", ["demo-no-done", "demo-no-usage", "demo-usage-last-choice", "demo/with-slash"]
)
def test_disorder_leaves_the_text_whole(google, model):
    chunks = streamed(google, model=model, seed=1)
    assert text_of(chunks) == ask(google, model=model, seed=1).text
    told = [chunk.usage_metadata is not None for chunk in chunks]
    assert any(told) == (model != "demo-no-usage")
    assert all(told[:-1]) == (model in ("demo-no-done", "demo/with-slash"))


@pytest.mark.parametrize("kind", ["long", "fast"])
def test_a_long_answer_has_exactly_the_tokens_asked_for(google, kind):
    last = streamed(google, model=f"demo-{kind}-777")[-1]
    assert last.usage_metadata.candidates_token_count == 777
