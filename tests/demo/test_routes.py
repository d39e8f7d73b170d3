"""Routes, keys, refusals and lists of the demo gateway."""

import asyncio
import json

import pytest

from playground.demo import exchange
from playground.demo.app import DemoGateway

CHAT = "/openai/v1/chat/completions"
KEYED = [
    ("GET", "/openai/v1/models"),
    ("GET", "/anthropic/v1/models"),
    ("POST", CHAT),
    ("POST", "/openai/v1/responses"),
    ("GET", "/openai/v1/responses/resp_1"),
    ("POST", "/anthropic/v1/messages"),
    ("POST", "/anthropic/v1/messages/count_tokens"),
    ("GET", "/demo/requests"),
    ("GET", "/demo/streams"),
]
GOOD = {"model": "demo-chat", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(("method", "path"), KEYED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer demo-kez"},
        {"authorization": "Bearer "},
        {"authorization": "demo-key"},
        {"authorization": "Basic demo-key"},
        {"x-api-key": "demo-key-2"},
        {"x-api-key": ""},
        {"authorization": "Bearer d\xe9mo"},
    ],
)
def test_every_wrong_key_is_refused_on_every_route_and_not_repeated(gateway, method, path, headers):
    status, _, body = gateway.call(method, path, GOOD if method == "POST" else None, headers=headers)
    assert status == 401
    assert json.loads(body) == {
        "error": {
            "message": "Invalid or missing API key",
            "type": "authentication_error",
            "code": "invalid_api_key",
        }
    }


def test_each_family_takes_its_own_header_only(gateway):
    assert gateway.call("GET", "/openai/v1/models", headers={"x-api-key": "demo-key"})[0] == 401
    assert gateway.call("GET", "/anthropic/v1/models")[0] == 401


def test_the_list_without_a_family_does_not_exist(gateway):
    status, _, body = gateway.call("GET", "/v1/models")
    assert status == 404
    assert json.loads(body)["error"]["code"] == "not_found"


def test_a_wrong_method_is_refused(gateway):
    assert gateway.call("GET", CHAT)[0] == 405


def test_health_needs_no_key(gateway):
    assert gateway.call("GET", "/healthz", headers={})[::2] == (200, b"ok")


def test_the_anthropic_list_is_paged(gateway):
    found, query = [], "limit=7"
    while True:
        page = gateway.json(f"/anthropic/v1/models?{query}", headers={"x-api-key": "demo-key"})
        ids = [row["id"] for row in page["data"]]
        assert (page["first_id"], page["last_id"]) == (ids[0], ids[-1])
        assert all(
            row["type"] == "model" and row["display_name"] and row["created_at"] for row in page["data"]
        )
        found += ids
        if not page["has_more"]:
            break
        query = f"limit=7&after_id={page['last_id']}"
    assert found == [row["id"] for row in gateway.json("/openai/v1/models")["data"]]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=", "after_id=nobody"])
def test_wrong_paging_is_refused(gateway, query):
    status, _, body = gateway.call("GET", f"/openai/v1/models?{query}")
    assert status == 400
    assert json.loads(body)["error"]["param"] == query.partition("=")[0]


def test_a_long_list_has_hostile_names_and_its_models_answer(starter):
    own = starter("--fast", DEMO_MODELS="3000")
    rows, after = [], ""
    while True:
        page = own.json(f"/openai/v1/models?after_id={after}")
        rows += page["data"]
        after = page["last_id"]
        if not page["has_more"]:
            break
    assert len(rows) == len({row["id"] for row in rows}) == 3000
    names = "".join(row["display_name"] for row in rows)
    assert "<script>" in names and "\u202e" in names and "\x00" in names and "\ud83d" in names
    assert own.chat(model=rows[-1]["id"])[0] == 200


def test_every_listed_fault_has_a_line_in_the_documentation(gateway, request):
    text = (request.config.rootpath / "docs" / "demo-gateway.md").read_text(encoding="utf-8")
    for row in gateway.json("/openai/v1/models")["data"]:
        assert f"`{row['id'].replace('-2000', '-N').replace('-20', '-N')}`" in text


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "system", "content": "alone"}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": 1}]}, "messages[0].tool_call_id"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"frequency_penalty": -3}, "frequency_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [1]}, "stop"),
        ({"n": 0}, "n"),
        ({"seed": "x"}, "seed"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0].function.name"),
        ({"tools": [{"function": {"name": "f", "parameters": []}}]}, "tools[0].function.parameters"),
        ({"tool_choice": {"function": {"name": "g"}}, "tools": []}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": ["text"]}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
    ],
)
def test_a_wrong_field_is_named(gateway, fields, param):
    status, _, body = gateway.chat(**fields)
    error = json.loads(body)["error"]
    assert status == 400
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert param in error["message"]


@pytest.mark.parametrize(
    "url",
    ["http://images.example.test/a.png", "AAAA", "/etc/passwd", "data:text/html;base64,AAAA", "https://", 5],
)
def test_images_that_are_neither_https_nor_data_are_refused(gateway, url):
    content = [{"type": "image_url", "image_url": {"url": url}}]
    status, _, body = gateway.chat(messages=[{"role": "user", "content": content}])
    assert status == 400
    assert json.loads(body)["error"]["param"] == "messages[0].content[0].image_url.url"


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 200_000, b'{"model":1' + b"0" * 9999 + b"}"]
)
def test_a_body_that_is_no_object_is_refused(gateway, raw):
    status, _, body = gateway.call("POST", CHAT, raw)
    assert status == 400
    assert json.loads(body)["error"]["code"] == "invalid_json"


def test_a_body_above_twenty_mebibytes_is_too_large(gateway):
    raw = json.dumps(GOOD).encode().ljust(20 * 1024 * 1024 + 1)
    status, _, body = gateway.call("POST", CHAT, raw)
    assert status == 413
    assert json.loads(body)["error"]["code"] == "request_too_large"
    assert gateway.call("POST", CHAT, raw[:-1])[0] == 200


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " ",
        "\x00",
        "\ud83d lone",
        "\ud83d",
        "continue",
        "\u202e\u2028\x85\ufeff",
        "{topic} {0} %s {{x}}",
        "```\n| a |\n</script>",
        "x" * 1_000_000,
        "a b " * 250_000,
        "in german \udc00",
    ],
)
@pytest.mark.parametrize("role", ["user", "system", "assistant", "tool"])
def test_no_prompt_breaks_it(gateway, prompt, role):
    messages = [
        {"role": "user", "content": "hi"},
        {"role": role, "content": prompt, "tool_call_id": "call_1"},
        {"role": "user", "content": prompt},
    ]
    assert gateway.chat(messages=messages)[0] == 200
    assert gateway.chat(messages=messages[:2], stream=True)[0] == 200


def test_the_echoing_model_repeats_the_key_it_was_sent(gateway):
    status, _, body = gateway.chat(model="demo-echo-key")
    assert status == 401
    assert "Bearer demo-key" in json.loads(body)["error"]["message"]


def test_it_tells_what_it_saw_without_bodies_and_keys(starter):
    own = starter("--fast")
    own.chat("a very private prompt", stream=True, model="demo-chat-mini")
    own.call("GET", "/openai/v1/models", headers={"authorization": "Bearer stolen-key"})
    own.json("/demo/streams")
    seen = own.json("/demo/requests")
    chat, models = seen["data"]
    assert seen["total"] == 2
    assert (chat["model"], chat["stream"], chat["messages"], chat["status"]) == (
        "demo-chat-mini",
        True,
        1,
        200,
    )
    assert len(chat["body_sha256"]) == 64
    assert "authorization" in chat["header_names"]
    assert models["status"] == 401
    assert not any(secret in json.dumps(seen) for secret in ("private", "demo-key", "stolen-key"))


def test_only_the_last_five_hundred_requests_are_kept(starter):
    own = starter("--fast")
    for _ in range(502):
        own.json("/openai/v1/models?limit=1")
    seen = own.json("/demo/requests")
    assert [row["number"] for row in seen["data"]] == list(range(3, 503))
    assert seen["total"] == 502


X_API = {"x-api-key": "demo-key", "anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("path", "headers", "read"),
    [
        ("/openai/v1/nothing", None, lambda told: told["error"]["code"] == "not_found"),
        ("/nothing", None, lambda told: told["error"]["code"] == "not_found"),
        (
            "/anthropic/v1/nothing",
            X_API,
            lambda told: (told["type"], told["error"]["type"]) == ("error", "not_found_error"),
        ),
        (
            "/gemini/v1beta/models/demo-chat:nothing",
            None,
            lambda told: told["error"]["status"] == "NOT_FOUND",
        ),
        ("/dashscope/v1/nothing", None, lambda told: told["code"] == "ModelNotFound"),
        ("/transtreams/kling/v1/nothing", None, lambda told: told["code"] == 1203),
        ("/suno/nothing", None, lambda told: (told["code"], told["data"]) == (404, None)),
    ],
)
def test_an_unknown_path_is_refused_in_the_words_of_its_family(gateway, path, headers, read):
    status, _, body = gateway.call("POST", path, {}, headers=headers)
    assert status == 404
    assert read(json.loads(body))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("HEAD", "/openai/v1/models", "GET"),
        ("DELETE", "/openai/v1/responses/resp_1", "GET"),
        ("PUT", "/gemini/v1beta/models/demo-chat:generateContent", "POST"),
        ("OPTIONS", "/dashscope/v1/tasks/1", "GET"),
        ("POST", "/demo/assets/x.png", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(gateway, method, path, allowed):
    status, headers, body = gateway.call(method, path)
    assert (status, headers["allow"]) == (405, allowed)
    assert not body if method == "HEAD" else json.loads(body)


async def test_a_body_that_stops_coming_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(exchange, "SILENCE_S", 0)
    sent = []

    async def send(message):
        sent.append(message)

    parts = iter([{"type": "http.request", "body": b'{"model"', "more_body": True}])

    async def receive():
        found = next(parts, None)
        return found if found else await asyncio.Event().wait()

    headers = [(b"authorization", b"Bearer demo-key")]
    scope = {"type": "http", "method": "POST", "path": CHAT, "headers": headers}
    await DemoGateway(speed=0)(scope, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["error"]["code"] == "timeout"
