"""Routes that an admin declares: the one seen in public code, and what a person is told of mistakes."""

from __future__ import annotations

import json

import pytest

from playground.gateway.errors import GatewayError
from playground.gateway.media.custom import DefinitionError, custom_operation
from playground.gateway.media.observation import Submitted
from playground.gateway.media.operation import FileValue, Inputs
from tests.media_wire.samples import INLINE, ONE, TWO, body_of, sample

SEEDANCE = {
    "key": "seedance",
    "label": "Seedance video",
    "family": "doubao",
    "medium": "video",
    "models": ["doubao-seedance-2-0-260128"],
    "fields": [
        {"name": "model", "kind": "text", "label": "Model", "required": True},
        {"name": "prompt", "kind": "text", "label": "Prompt", "required": True},
        {
            "name": "duration",
            "kind": "int",
            "label": "Duration",
            "minimum": 4,
            "maximum": 15,
            "unit": "seconds",
        },
        {"name": "ratio", "kind": "text", "label": "Ratio"},
        {"name": "resolution", "kind": "choice", "label": "Resolution", "choices": ["480p", "720p"]},
        {"name": "watermark", "kind": "bool", "label": "Watermark"},
        {"name": "generate_audio", "kind": "bool", "label": "Sound"},
    ],
    "files": [
        {"name": "first_frame", "kind": "image", "label": "First picture"},
        {"name": "references", "kind": "image", "label": "References", "many": 4},
    ],
    "create": {
        "path": "/doubao/video/generations",
        "body": {
            "content": [
                {"type": "text", "text": "{prompt}"},
                {"type": "image_url", "role": "first_frame", "image_url": {"url": "{first_frame}"}},
                {"type": "image_url", "role": "reference_image", "image_url": {"url": "{references}"}},
            ]
        },
    },
    "query": {"path": "/doubao/videos/{id}"},
    "id": ["id", "task_id"],
    "status": "status",
    "states": {"Dreaming": "running"},
    "outputs": [
        {"path": "metadata.url", "kind": "video"},
        {"path": "data.url", "kind": "video"},
        {"path": "url", "kind": "video"},
    ],
    "error": {"message": "error.message", "code": "error.code"},
    "progress": "progress",
    "pace": {"first_s": 10, "deadline_s": 900},
    "lives_s": 3600,
}
OPERATION = custom_operation(SEEDANCE)
VALUES = {"model": "doubao-seedance-2-0-260128", "prompt": "A paper boat", "duration": 5, "ratio": "16:9"}
VALUES |= {"resolution": "720p", "watermark": False, "generate_audio": True}


def changed(**parts):
    return {name: value for name, value in (SEEDANCE | parts).items() if value is not None}


def body(values, files=None, **rest):
    return json.loads(OPERATION.create(Inputs(values, files or {}, **rest)).body)


def test_the_declared_request_is_the_one_seen_in_public_code():
    wire = OPERATION.create(Inputs(VALUES, {"first_frame": (ONE,)}))
    assert (wire.method, wire.path) == ("POST", "/doubao/video/generations")
    assert json.loads(wire.body) == sample("custom/seedance-create-request.json")


def test_what_is_not_filled_in_is_left_out_with_the_entry_that_holds_it():
    asked = body({"model": "m", "prompt": "A paper boat"})
    assert asked == {"model": "m", "content": [{"type": "text", "text": "A paper boat"}]}


def test_an_entry_is_there_once_for_each_of_several_files():
    asked = body(VALUES, {"references": (ONE, TWO)})
    urls = [row["image_url"]["url"] for row in asked["content"] if row.get("role") == "reference_image"]
    assert urls == [ONE.url, TWO.url]


def test_a_persons_own_json_is_merged_in_last():
    assert body(VALUES, extra={"ratio": "1:1", "seed": 7})["ratio"] == "1:1"


def test_the_declared_answers_are_read():
    taken = OPERATION.read_created(body_of("custom/seedance-create-response.json"), "application/json")
    assert taken == Submitted("task_s4mple", raw_state="queued")
    assert OPERATION.query("task_s4mple").path == "/doubao/videos/task_s4mple"
    seen = OPERATION.read_state(body_of("custom/seedance-completed.json"))
    assert seen.ready
    assert [(output.url, output.lives_s) for output in seen.outputs] == [
        ("https://assets.example.test/out/boat.mp4", 3600)
    ]


def test_own_words_come_on_top_of_the_common_ones():
    for word, state in {
        "DREAMING": "running",
        "queued": "pending",
        "expired": "failed",
        "x": "unknown",
    }.items():
        assert OPERATION.read_state(json.dumps({"status": word}).encode()).state == state


def test_the_rest_of_a_definition_is_kept():
    assert OPERATION.key == "custom.seedance"
    assert (OPERATION.family, OPERATION.medium, OPERATION.model_field) == ("doubao", "video", "model")
    assert OPERATION.basic == ("model", "prompt")
    assert (OPERATION.pace.first_s, OPERATION.pace.ceiling_s, OPERATION.pace.deadline_s) == (10, 30, 900)
    with pytest.raises(ValueError, match="between 4 and 15"):
        OPERATION.spec("duration").clean(3)


def test_a_file_goes_up_in_the_form_that_was_declared():
    for forms, wanted in (
        (["base64"], "iVBORw0KGgo="),
        (["url", "data_url"], "data:image/png;base64,iVBORw0KGgo="),
    ):
        files = [{"name": "input.image", "kind": "image", "label": "Picture", "forms": forms}]
        made = custom_operation(changed(files=files, create={"path": "/x"}))
        wire = made.create(Inputs(VALUES, {"input.image": (INLINE,)}))
        assert json.loads(wire.body)["input"] == {"image": wanted}
    with pytest.raises(GatewayError, match="public address"):
        OPERATION.create(Inputs(VALUES, {"first_frame": (FileValue(data_b64="AAAA"),)}))


def test_an_id_may_stand_in_the_query_string():
    made = custom_operation(changed(query={"path": "/x/query?taskId={id}&v=2"}))
    wire = made.query("a/b")
    assert (wire.path, wire.query) == ("/x/query", {"taskId": "a/b", "v": "2"})


def test_another_code_may_mean_that_all_is_well():
    answer = json.dumps({"code": 1, "id": "t", "status": "done"}).encode()
    with pytest.raises(GatewayError):
        OPERATION.read_created(answer, "")
    assert custom_operation(changed(ok_codes=[1])).read_created(answer, "").upstream_id == "t"


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"key": "See dance"}, "The key must be of small letters"),
        ({"label": None}, "The label is missing"),
        ({"family": "f" * 31}, "The family must be of small letters"),
        ({"medium": "smell"}, "The medium must be one of: image"),
        ({"colour": "red"}, "“colour” is no part"),
        ({"fields": []}, "at least one entry"),
        ({"fields": [{"name": "a b", "kind": "text", "label": "A"}]}, "The field name “a b”"),
        ({"fields": [{"name": "a", "kind": "word", "label": "A"}]}, "The kind of a must be one of: int"),
        ({"fields": [{"name": "a", "kind": "choice", "label": "A"}]}, "The choices of a"),
        ({"fields": [{"name": "a", "kind": "int", "label": "A", "minimum": "1"}]}, "must be numbers"),
        ({"files": [{"name": "f", "kind": "image", "label": "F", "forms": ["multipart"]}]}, "The forms of f"),
        ({"files": [{"name": "prompt", "kind": "image", "label": "F"}]}, "“prompt” is there twice"),
        ({"basic": ["nothing"]}, "“nothing” is named as basic"),
        ({"create": {"path": "https://evil.example.test/x"}}, "The create path must begin with one slash"),
        ({"create": {"path": "//evil.example.test/x"}}, "The create path must begin with one slash"),
        ({"create": {"path": "/a/%2e%2E/b"}}, "The create path must begin with one slash"),
        ({"create": {"path": "/x", "body": {"a": "{nothing}"}}}, "The body names {nothing}"),
        ({"query": {"path": "/x"}}, "The query path must hold {id} once"),
        ({"query": {"path": "/{id}/{id}"}}, "The query path must hold {id} once"),
        ({"status": "a..b"}, "“status” must be a path"),
        ({"outputs": []}, "“outputs” must list at least one"),
        ({"outputs": [{"path": ["url"], "kind": "video"}]}, "An output needs a path"),
        ({"states": {"done": "finished"}}, "Each of “states” must stand for one of: pending"),
        ({"pace": {"first_s": 0}}, "from 1 to 604800"),
        ({"query": {"path": "/x/{id}", "method": "DELETE"}}, "The query method must be one of: GET, POST"),
        ({"lives_s": -1}, "“lives_s” must be a number above 0"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(parts, sentence):
    with pytest.raises(DefinitionError) as caught:
        custom_operation(changed(**parts))
    assert [told for told in caught.value.sentences if sentence in told]


def test_all_mistakes_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        custom_operation({})
    assert len(caught.value.sentences) >= 8


def test_a_query_may_be_posted():
    told = custom_operation(changed(query={"path": "/doubao/videos?id={id}", "method": "POST"})).query("v-1")
    assert (told.method, told.path, told.query) == ("POST", "/doubao/videos", {"id": "v-1"})
