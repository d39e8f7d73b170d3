"""What the demo gateway sends byte by byte, where a client would hide it."""

import json
import socket

import pytest

from tests._servers.processes import PATIENCE_S


def received(connection):
    """Everything up to the end of the connection or to its reset."""
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        return data, "reset"
    return data, "closed"


def until_end(connection):
    """Everything up to the last chunk of a body that is complete."""
    data = b""
    while not data.endswith(b"\r\n0\r\n\r\n"):
        part = connection.recv(1 << 20)
        assert part, "the connection was closed before the body was complete"
        data += part
    return data


def chunks(data):
    """The pieces of a chunked body, as the server wrote them."""
    rest = data.partition(b"\r\n\r\n")[2]
    pieces = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(rest[:length])
        rest = rest[length + 2 :]
    return pieces


def tokens(data):
    return data.count(b'"delta":{"content":"')


@pytest.mark.parametrize("after", [0, 1, 20, 500])
def test_a_cut_stream_has_its_tokens_and_no_end(gateway, after):
    with gateway.socket(f"demo-cut-after-{after}") as connection:
        data, how = received(connection)
    assert tokens(data) == after
    assert how == "closed"
    assert b"[DONE]" not in data and b'"finish_reason":"' not in data and b"\r\n0\r\n" not in data


def test_a_reset_stream_is_reset_after_its_tokens(gateway):
    with gateway.socket("demo-reset-after-6") as connection:
        data, how = received(connection)
    assert tokens(data) == 6
    assert how == "reset"


def test_a_stalled_stream_stays_open_and_a_client_that_leaves_is_noticed(starter):
    own = starter("--fast")
    with own.socket("demo-stall-after-2") as connection:
        data = b""
        while tokens(data) < 2:
            data += connection.recv(65536)
        assert own.json("/demo/streams") == {"open": 1, "finished": 0, "left": 0}
    assert own.streams_once(0) == {"open": 0, "finished": 0, "left": 1}


def test_bytes_are_cut_inside_characters_and_lines_end_in_all_three_ways(gateway):
    with gateway.socket("demo-split-utf8") as connection:
        pieces = chunks(until_end(connection))

    def whole(piece):
        try:
            piece.decode()
        except UnicodeDecodeError:
            return False
        return True

    assert sum(not whole(piece) for piece in pieces) > 10
    body = b"".join(pieces)
    assert body.decode()
    assert b"\r\n\r\n" in body and b"}\r\r" in body and b"}\n\n" in body


def test_a_huge_frame_is_exactly_eight_mebibytes(gateway):
    with gateway.socket("demo-huge-frame") as connection:
        body = b"".join(chunks(until_end(connection)))
    frames = [frame for frame in body.split(b"\n\n") if frame]
    assert max(len(frame) for frame in frames) + 2 == 8 * 1024 * 1024
    assert all(json.loads(frame[6:]) for frame in frames if frame != b"data: [DONE]")


def test_the_malformed_chunk_is_the_only_one_that_is_not_json(gateway):
    with gateway.socket("demo-malformed") as connection:
        body = b"".join(chunks(until_end(connection)))
    broken = []
    for frame in body.split(b"\n\n"):
        if frame.startswith(b"data: {"):
            try:
                json.loads(frame[6:])
            except ValueError:
                broken.append(frame)
    assert len(broken) == 1


def test_nul_and_lone_surrogates_travel_as_escapes(gateway):
    with gateway.socket("demo-nul") as connection:
        body = b"".join(chunks(until_end(connection)))
    assert b"\\u0000" in body and b"\\ud83d" in body and b"\x00" not in body


def test_null_fields_are_sent_with_a_text_that_is_whole(gateway):
    with gateway.socket("demo-null-fields") as connection:
        body = b"".join(chunks(until_end(connection)))
    frames = [json.loads(frame[6:]) for frame in body.split(b"\n\n") if frame.startswith(b"data: {")]
    assert any(frame["choices"] is None for frame in frames)
    text = "".join((one["delta"] or {}).get("content") or "" for f in frames for one in f["choices"] or [])
    plain = json.loads(gateway.chat(model="demo-null-fields")[2])
    assert text == plain["choices"][0]["message"]["content"]


def test_comments_are_sent_between_events(gateway):
    with gateway.socket("demo-fast-200") as connection:
        assert b"\n\n: keep-alive\n\n" in until_end(connection)


def test_a_stream_may_be_answered_with_json(gateway):
    status, headers, body = gateway.chat(model="demo-json-instead", stream=True)
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["choices"][0]["message"]["content"]


def test_a_redirect_points_to_another_host_and_an_html_error_is_html(gateway):
    status, headers, _ = gateway.chat(model="demo-redirect")
    assert status == 302
    assert headers["location"].startswith("http://other-host.example.invalid/")
    status, headers, body = gateway.chat(model="demo-error-502-html")
    assert (status, headers["content-type"]) == (502, "text/html")
    assert b"<h1>502" in body


def test_a_hostile_text_holds_scripts_links_and_handlers(gateway):
    text = json.loads(gateway.chat(model="demo-hostile-markdown")[2])["choices"][0]["message"]["content"]
    assert all(
        part in text for part in ("<script>", "onerror=", "javascript:", "hx-get=", "<style>", "<form")
    )


def test_a_whole_answer_that_is_cut_is_shorter_than_promised(gateway):
    body = b'{"model":"demo-cut-after-3","messages":[{"role":"user","content":"hi"}]}'
    head = b"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: demo\r\nauthorization: Bearer demo-key\r\n"
    with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
        connection.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        data, how = received(connection)
    headers, _, part = data.partition(b"\r\n\r\n")
    promised = int(headers.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert how == "closed"
    assert 0 < len(part) < promised
