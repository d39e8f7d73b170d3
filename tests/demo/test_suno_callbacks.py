"""The callbacks of music tasks, and their disorder on request."""

import json
import signal

import pytest

from tests._servers.processes import PATIENCE_S
from tests.demo.suno_asking import deliveries_done, look, make, post, receiving, song, tracks


def wanted(receiver, *words):
    return {"callBackUrl": receiver.address, "prompt": f"la la\nla {' '.join(words)}"}


def stages(receiver, count):
    return [receiver.next()["callbackType"] for _ in range(count)]


def test_a_song_tells_its_three_stages_in_flat_bodies(gateway):
    with receiving() as receiver:
        task_id = make(gateway, **wanted(receiver))
        path, headers, raw = receiver.raw()
        text, first, complete = json.loads(raw), receiver.next(), receiver.next()
    assert path == "/callbacks/t4sk/t0ken?n=1"
    assert headers["content-type"] == "application/json"
    assert "authorization" not in headers
    assert [body["callbackType"] for body in (text, first, complete)] == ["text", "first", "complete"]
    assert all(body.keys() == {"callbackType", "task_id", "data"} for body in (text, first, complete))
    assert {body["task_id"] for body in (text, first, complete)} == {task_id}
    assert [[bool(track["audio_url"]) for track in body["data"]] for body in (text, first, complete)] == [
        *([False, False], [True], [True, True])
    ]
    seen = tracks(gateway, task_id)
    assert [track["audio_url"] for track in complete["data"]] == [track["audioUrl"] for track in seen]
    assert complete["data"][0].keys() >= {"id", "stream_audio_url", "image_url", "model_name", "createTime"}


@pytest.mark.parametrize(
    "fields", [{"model": "demo-callback-wrapped"}, {"style": "soul demo-callback-wrapped"}]
)
def test_bodies_are_wrapped_on_request_by_model_or_word(gateway, fields):
    with receiving() as receiver:
        task_id = make(gateway, **(wanted(receiver) | fields))
        bodies = [receiver.next() for _ in range(3)]
    assert all(body.keys() == {"code", "msg", "data"} and body["code"] == 200 for body in bodies)
    assert [body["data"]["callbackType"] for body in bodies] == ["text", "first", "complete"]
    assert {body["data"]["task_id"] for body in bodies} == {task_id}


@pytest.mark.parametrize(
    ("action", "fields", "kind", "names"),
    [
        ("generate-lyrics", {"prompt": "boats"}, "lyrics", {"callbackType", "taskId", "data"}),
        ("wav-generate", {}, "wav", {"task_id", "audioWavUrl"}),
        ("mp4-generate", {}, "mp4", {"task_id", "video_url"}),
        ("generate-cover", {}, "cover", {"taskId", "images"}),
        ("vocal-removal", {"type": "separate_vocal"}, "vocal-removal", {"task_id", "vocal_removal_info"}),
        ("split-stem", {"type": "split_stem"}, "vocal-removal", {"task_id", "vocal_removal_info"}),
    ],
)
def test_everything_else_tells_once_and_in_its_own_shape(gateway, action, fields, kind, names):
    with receiving() as receiver:
        start = {} if kind == "lyrics" else song(gateway)
        task_id = make(gateway, action, **start, **fields, callBackUrl=receiver.address)
        body = receiver.next()
        assert receiver.empty
    assert body.keys() == names
    assert body.get("task_id", body.get("taskId")) == task_id
    if kind == "vocal-removal":
        info, response = body["vocal_removal_info"], look(gateway, task_id, kind)["response"]
        assert (info["vocal_url"], info["origin_url"]) == (response["vocalUrl"], response["originUrl"])


def test_a_failure_is_told_as_an_error(gateway):
    with receiving() as receiver:
        task_id = make(gateway, **wanted(receiver, "demo-fails"))
        body = receiver.next()
        make(gateway, **wanted(receiver, "demo-fails", "demo-callback-wrapped"))
        wrapped = receiver.next()
    assert body == {
        "callbackType": "error",
        "task_id": task_id,
        "data": None,
        "code": 501,
        "msg": "Audio generation failed",
    }
    assert wrapped["code"] == 501 and wrapped["data"]["callbackType"] == "error"


def test_each_may_come_twice_and_exactly_the_same(gateway):
    with receiving() as receiver:
        make(gateway, **wanted(receiver, "demo-callback-twice"))
        bodies = [receiver.raw()[2] for _ in range(6)]
    assert bodies[0::2] == bodies[1::2]
    assert len(set(bodies)) == 3


def test_they_may_come_in_the_wrong_order(gateway):
    with receiving() as receiver:
        make(gateway, **wanted(receiver, "demo-callback-reversed"))
        assert stages(receiver, 3) == ["complete", "first", "text"]


def test_they_may_come_after_everything_is_done(gateway):
    with receiving() as receiver:
        task_id = make(gateway, **wanted(receiver, "demo-callback-late", "demo-step-by-step"))
        assert [look(gateway, task_id)["status"] for _ in range(3)][-1] == "FIRST_SUCCESS"
        assert receiver.empty
        assert look(gateway, task_id)["status"] == "SUCCESS"
        assert stages(receiver, 3) == ["text", "first", "complete"]


def test_a_forged_task_may_be_told_of_before_the_true_one(gateway):
    with receiving() as receiver:
        task_id = make(gateway, **wanted(receiver, "demo-callback-forged"))
        told = [receiver.next()["task_id"] for _ in range(6)]
    assert told[1::2] == [task_id] * 3
    assert task_id not in told[0::2]


def test_they_may_never_come(starter):
    own = starter("--fast")
    with receiving() as receiver:
        make(own, **wanted(receiver, "demo-callback-never"))
        assert deliveries_done(own) == []
        assert receiver.empty


def test_each_query_sends_its_stage_when_queries_move_the_task(gateway):
    with receiving() as receiver:
        task_id = make(gateway, **wanted(receiver, "demo-step-by-step"))
        for stage in ("text", "first", "complete"):
            assert receiver.empty
            look(gateway, task_id)
            assert receiver.next()["callbackType"] == stage


def test_a_callback_is_tried_again_three_times(starter):
    own = starter("--fast")
    with receiving(500, 503, 500, 200) as receiver:
        make(own, "generate-lyrics", prompt="boats", callBackUrl=receiver.address)
        bodies = {receiver.raw()[2] for _ in range(4)}
        (delivery,) = deliveries_done(own)
    assert len(bodies) == 1
    assert (delivery["attempts"], delivery["status"]) == (4, 200)


def test_a_receiver_that_never_takes_it_is_given_up_and_the_task_is_fine(starter):
    own = starter("--fast")
    with receiving(500) as receiver:
        task_id = make(own, "generate-lyrics", prompt="boats", callBackUrl=receiver.address)
        (delivery,) = deliveries_done(own)
    assert (delivery["attempts"], delivery["status"]) == (4, 500)
    assert look(own, task_id, "lyrics")["status"] == "SUCCESS"


def test_nobody_there_is_no_answer(starter):
    own = starter("--fast")
    make(own, "generate-lyrics", prompt="boats", callBackUrl="http://127.0.0.1:9/x")
    (delivery,) = deliveries_done(own)
    assert (delivery["attempts"], delivery["status"]) == (4, None)


@pytest.mark.parametrize("host", ["playground.example.test", "example.com", "a.example.org", "x.invalid"])
def test_addresses_for_examples_are_not_called(starter, host):
    own = starter("--fast")
    make(own, callBackUrl=f"https://{host}/callback")
    assert own.json("/demo/callbacks") == {"data": [], "open": 0}


def test_an_address_cannot_reach_into_the_request(gateway):
    with receiving() as receiver:
        address = receiver.address.replace("?n=1", "/a b\tö?n=1 2#fragment")
        make(gateway, "generate-lyrics", prompt="boats", callBackUrl=address)
        path, headers, _ = receiver.raw()
    assert path == "/callbacks/t4sk/t0ken/a%20b%C3%B6?n=1%202"
    assert headers["user-agent"] == "demo-gateway"


def test_the_list_of_callbacks_shows_no_address_and_wants_the_key(gateway):
    with receiving() as receiver:
        make(gateway, **wanted(receiver))
        stages(receiver, 3)
    assert "t0ken" not in json.dumps(gateway.json("/demo/callbacks"))
    assert gateway.call("GET", "/demo/callbacks", headers={})[0] == 401


def test_replaced_sections_need_no_callback(gateway):
    fields = {"prompt": "la", "tags": "jazz", "title": "B", "infillStartS": 8, "infillEndS": 15}
    answer = post(gateway, "replace-section", **song(gateway), **fields, callBackUrl=None)
    assert look(gateway, answer["data"]["taskId"])["status"] == "SUCCESS"


def test_callbacks_under_way_hold_up_no_end(starter):
    own = starter("--speed", "0.05")  # the first callback comes after more than a minute
    with receiving() as receiver:
        make(own, **wanted(receiver))
        assert own.json("/demo/callbacks")["open"] == 1
        own.process.send_signal(signal.SIGTERM)
        # A net against hanging for ever, not a measurement.
        assert own.process.wait(timeout=PATIENCE_S) == 0
        assert receiver.empty
