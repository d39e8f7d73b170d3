"""The Suno routes: what they make, what they refuse, and how their tasks go on."""

import json

import pytest

from tests.demo.suno_asking import NOWHERE, SIMPLE, SONG, fetch, look, make, post, query, song, tracks

V5 = {"model": "V5"}
UPLOAD = {"uploadUrl": "https://assets.example.test/in/take.mp3", **V5}
# Every route that makes a task: its fields beside the song it starts from, and the query that tells of it.
TASKS = [
    ("extend", {"defaultParamFlag": False, **V5}, "task"),
    (
        "extend",
        {
            "defaultParamFlag": True,
            "prompt": "[Verse 2]\nla",
            "style": "soul",
            "title": "II",
            "continueAt": 9,
            **V5,
        },
        "task",
    ),
    (
        "upload-cover",
        {**UPLOAD, "customMode": True, "instrumental": True, "style": "jazz", "title": "Two"},
        "task",
    ),
    ("upload-extend", {**UPLOAD, "defaultParamFlag": False, "continueAt": 3}, "task"),
    (
        "add-vocals",
        {**UPLOAD, "prompt": "warm", "style": "soul", "title": "S", "negativeTags": "metal"},
        "task",
    ),
    ("add-instrumental", {**UPLOAD, "tags": "soul", "title": "Backed", "negativeTags": "metal"}, "task"),
    (
        "replace-section",
        {"prompt": "[Bridge]\nla la", "tags": "soul", "title": "B", "infillStartS": 8, "infillEndS": 15.5},
        "task",
    ),
    ("generate-lyrics", {"prompt": "A song about paper boats"}, "lyrics"),
    ("generate-cover", {}, "cover"),
    ("vocal-removal", {"type": "separate_vocal"}, "vocal-removal"),
    ("split-stem", {"type": "split_stem"}, "vocal-removal"),
    ("wav-generate", {}, "wav"),
    ("mp4-generate", {"author": "Team", "domainName": "example.test"}, "mp4"),
]
AT_ONCE = [
    ("timestamped-lyrics", {}),
    ("style-generate", {"content": "soft piano"}),
    ("generate-persona", {"name": "Harbour", "description": "soft", "vocalStart": 0, "vocalEnd": 12}),
]
FLAG = {"task": "status", "lyrics": "status"}


def addresses(value):
    """Every address of a file anywhere in an answer."""
    if isinstance(value, dict):
        return [url for inner in value.values() for url in addresses(inner)]
    if isinstance(value, list):
        return [url for inner in value for url in addresses(inner)]
    return [value] if isinstance(value, str) and "/demo/assets/" in value else []


def test_a_song_has_two_takes_that_sound_different(gateway):
    data = look(gateway, make(gateway, **SIMPLE))
    assert (data["status"], data["type"], data["errorCode"]) == ("SUCCESS", "GENERATE", None)
    assert json.loads(data["param"])["prompt"] == SIMPLE["prompt"]
    one, other = data["response"]["sunoData"]
    assert one["id"] != other["id"] and one["title"] == other["title"] == "Paper Boats"
    assert "paper boats" in one["prompt"] and one["modelName"] == "chirp-v5"
    sounds = [fetch(gateway, track["audioUrl"]) for track in (one, other)]
    assert [kind for kind, _ in sounds] == ["audio/wav"] * 2
    assert sounds[0][1] != sounds[1][1]
    assert fetch(gateway, one["streamAudioUrl"])[1] == sounds[0][1]
    assert fetch(gateway, one["imageUrl"])[1].startswith(b"\x89PNG")


@pytest.mark.parametrize(("action", "fields", "kind"), TASKS)
def test_every_route_makes_a_task_whose_files_load(gateway, action, fields, kind):
    start = {} if "uploadUrl" in fields or action == "generate-lyrics" else song(gateway)
    data = look(gateway, make(gateway, action, **start, **fields), kind)
    assert data[FLAG.get(kind, "successFlag")] in ("SUCCESS", 1)
    urls = addresses(data["response"])
    assert bool(urls) == (kind != "lyrics")
    for url in urls:
        media_type, body = fetch(gateway, url)
        sign = {"audio/wav": b"RIFF", "image/png": b"\x89PNG", "video/mp4": b"ftyp"}[media_type]
        assert sign in body[:12]


@pytest.mark.parametrize(("action", "fields"), AT_ONCE)
def test_three_routes_answer_at_once(gateway, action, fields):
    start = {} if action == "style-generate" else song(gateway)
    data = post(gateway, action, **start, **fields)["data"]
    shown = {
        "timestamped-lyrics": {"alignedWords", "waveformData", "hootCer", "isStreamed"},
        "style-generate": {"taskId", "result", "param"},
        "generate-persona": {"personaId", "name", "description"},
    }
    assert shown[action] <= data.keys()


@pytest.mark.parametrize(("action", "fields"), AT_ONCE)
def test_on_request_they_answer_with_a_task_only(gateway, action, fields):
    if action == "style-generate":
        start = {"content": "soft piano demo-task-only"}
    else:
        start = song(gateway, prompt="Boats demo-task-only") | fields
    answer = post(gateway, action, **start)
    assert answer["data"].keys() == {"taskId"}
    assert look(gateway, answer["data"]["taskId"])["response"]


def test_own_lyrics_are_sung_word_by_word_within_the_song(gateway):
    lyrics = "[Verse]\nA boat of paper leaves\n\n[Chorus]\nrow, row\n船は行く"
    start = song(gateway, customMode=True, prompt=lyrics, style="soul", title="Paper Boats")
    words = post(gateway, "timestamped-lyrics", **start)["data"]["alignedWords"]
    assert "".join(word["word"] for word in words).replace(" \n", "\n") == (
        "[Verse]\nA boat of paper leaves\n[Chorus]\nrow, row\n船 は 行 く\n"
    )
    ends = [word["endS"] for word in words]
    assert ends == sorted(ends)
    assert all(word["startS"] < word["endS"] and word["success"] for word in words)
    assert ends[-1] <= tracks(gateway, start["taskId"])[0]["duration"]


def test_words_that_find_no_room_are_not_sung(gateway):
    start = song(gateway, customMode=True, prompt="la la\n" * 40, style="soul", title="Long")
    words = post(gateway, "timestamped-lyrics", **start)["data"]["alignedWords"]
    assert len(words) == 80
    assert {word["success"] for word in words} == {True, False}


def test_a_song_goes_on_where_it_was_told_to(gateway):
    start = song(gateway)
    before = tracks(gateway, start["taskId"])[0]
    own = {"prompt": "la la la", "style": "soul", "title": "Paper Boats II", "continueAt": 12}
    task_id = make(gateway, "extend", audioId=start["audioId"], defaultParamFlag=True, **own, **V5)
    data = look(gateway, task_id)
    after = data["response"]["sunoData"][0]
    assert (data["parentMusicId"], after["title"]) == (start["audioId"], "Paper Boats II")
    # 44 bytes of head and a comment come first; 12 seconds of 16,000 samples of 2 bytes stay as they were.
    sounds = [fetch(gateway, track["audioUrl"])[1] for track in (before, after)]
    kept = [sound[sound.index(b"data") + 8 :] for sound in sounds]
    assert kept[0][: 12 * 32_000] == kept[1][: 12 * 32_000]
    assert kept[0][12 * 32_000 : 13 * 32_000] != kept[1][12 * 32_000 : 13 * 32_000]


def test_a_section_is_replaced_and_the_rest_stays(gateway):
    start = song(gateway)
    fields = {"prompt": "la", "tags": "jazz", "title": "B", "infillStartS": 8, "infillEndS": 15}
    after = tracks(gateway, make(gateway, "replace-section", **start, **fields))[0]
    before = tracks(gateway, start["taskId"])[0]
    assert after["duration"] == before["duration"]
    one, other = (fetch(gateway, track["audioUrl"])[1] for track in (before, after))
    assert len(one) == len(other)
    head = one.index(b"data") + 8
    assert one[: head + 8 * 32_000] == other[: head + 8 * 32_000]
    assert one[head + 15 * 32_000 :] == other[head + 15 * 32_000 :]
    assert one != other


def test_voice_and_band_together_are_the_song(gateway):
    start = song(gateway)
    made = look(gateway, make(gateway, "vocal-removal", **start, type="separate_vocal"), "vocal-removal")
    urls = made["response"]
    assert urls.keys() == {"originUrl", "vocalUrl", "instrumentalUrl"}
    whole, voice, band = (samples(fetch(gateway, urls[name])[1]) for name in urls)
    assert any(voice) and any(band)
    assert all(a == b + c for a, b, c in zip(whole, voice, band, strict=True))


def test_stems_that_are_not_in_the_song_are_null(gateway):
    start = song(gateway, prompt="demo", customMode=True, style="acoustic guitar", title="G")
    urls = look(gateway, make(gateway, "split-stem", **start, type="split_stem"), "vocal-removal")["response"]
    assert urls["guitarUrl"] and urls["bassUrl"] and urls["vocalUrl"]
    assert urls["brassUrl"] is urls["drumsUrl"] is None
    assert {row["stem_type_group_name"] for row in urls["originData"]} >= {"Guitar", "Bass"}


def samples(wav):
    place = wav.index(b"data") + 8
    return memoryview(wav[place : place + (len(wav) - place) // 2 * 2]).cast("h")


def test_an_instrumental_has_no_voice(gateway):
    start = song(gateway, instrumental=True)
    assert tracks(gateway, start["taskId"])[0]["prompt"] == ""
    assert post(gateway, "timestamped-lyrics", **start)["data"]["alignedWords"] == []
    urls = look(gateway, make(gateway, "split-stem", **start, type="split_stem"), "vocal-removal")["response"]
    assert urls["vocalUrl"] is None and urls["synthUrl"]


def test_different_prompts_make_different_songs(gateway):
    songs = [
        tracks(gateway, make(gateway, prompt=prompt))[0] for prompt in ("Rain in May", "A dance for you")
    ]
    one, other = (fetch(gateway, track["audioUrl"])[1] for track in songs)
    assert one[200:40_000] != other[200:40_000]


def test_cover_art_is_made_once_and_told_again(gateway):
    start = song(gateway)
    first = make(gateway, "generate-cover", taskId=start["taskId"])
    again = post(gateway, "generate-cover", taskId=start["taskId"])
    assert again == {"code": 400, "msg": "Cover already generated", "data": {"taskId": first}}
    data = look(gateway, first, "cover")
    assert (data["parentTaskId"], data["successFlag"]) == (start["taskId"], 1)
    pictures = [fetch(gateway, url)[1] for url in data["response"]["images"]]
    assert len(pictures) == 2 and pictures[0] != pictures[1]


def test_a_second_wav_of_a_track_is_refused(gateway):
    start = song(gateway)
    make(gateway, "wav-generate", **start)
    again = post(gateway, "wav-generate", **start)
    assert again == {"code": 409, "msg": "WAV record already exists", "data": None}


def test_a_failed_cover_may_be_asked_for_again(gateway):
    start = song(gateway, prompt="Boats demo-later-fails")
    failed = make(gateway, "generate-cover", taskId=start["taskId"])
    assert look(gateway, failed, "cover")["successFlag"] == 3
    assert make(gateway, "generate-cover", taskId=start["taskId"]) != failed


GOOD = {"callBackUrl": NOWHERE, **SIMPLE}
OWN = {"callBackUrl": NOWHERE, **SONG}


@pytest.mark.parametrize(
    ("action", "fields", "code", "word"),
    [
        ("generate", {**GOOD, "callBackUrl": None}, 400, "callBackUrl"),
        ("generate", {**GOOD, "callBackUrl": "ftp://a.example.test"}, 400, "callBackUrl"),
        ("generate", {**GOOD, "callBackUrl": "http://a b/c"}, 400, "callBackUrl"),
        ("generate", {**GOOD, "callBackUrl": "http://a:99999/c"}, 400, "callBackUrl"),
        ("generate", {**GOOD, "model": "V9"}, 400, "model"),
        ("generate", {**GOOD, "model": None}, 400, "model"),
        ("generate", {**GOOD, "customMode": "yes"}, 400, "customMode"),
        ("generate", {**GOOD, "customMode": None}, 400, "customMode"),
        ("generate", {**GOOD, "prompt": ""}, 400, "prompt"),
        ("generate", {**GOOD, "prompt": 7}, 400, "prompt"),
        ("generate", {**GOOD, "prompt": "x" * 501}, 413, "prompt"),
        ("generate", {**GOOD, "styleWeight": 1.2}, 400, "styleWeight"),
        ("generate", {**GOOD, "styleWeight": float("nan")}, 400, "styleWeight"),
        ("generate", {**GOOD, "vocalGender": "x"}, 400, "vocalGender"),
        ("generate", {**OWN, "style": None}, 400, "style"),
        ("generate", {**OWN, "title": ""}, 400, "title"),
        ("generate", {**OWN, "prompt": None}, 400, "prompt"),
        ("generate", {**OWN, "prompt": "x" * 5_001}, 413, "prompt"),
        ("generate", {**OWN, "prompt": "x" * 3_001, "model": "V4"}, 413, "prompt"),
        ("generate", {**OWN, "style": "x" * 201, "model": "V4"}, 413, "style"),
        ("generate", {**OWN, "title": "x" * 81}, 413, "title"),
        ("extend", {"audioId": "nobody", "defaultParamFlag": False, **V5}, 404, "found"),
        ("extend", {"audioId": "nobody", "defaultParamFlag": True, **V5}, 400, "style"),
        ("upload-cover", {**UPLOAD, **SONG, "uploadUrl": "file:///etc/passwd"}, 400, "uploadUrl"),
        ("wav-generate", {"taskId": "nobody", "audioId": "nobody"}, 404, "found"),
        ("generate-cover", {"taskId": "nobody"}, 404, "found"),
        ("generate-lyrics", {"prompt": None}, 400, "prompt"),
        ("style-generate", {"content": ""}, 400, "content"),
    ],
)
def test_what_is_wrong_is_told_under_http_200(gateway, action, fields, code, word):
    answer = post(gateway, action, **fields)
    assert answer["code"] == code
    assert word in answer["msg"]
    assert answer["data"] is None


@pytest.mark.parametrize(
    ("action", "fields", "word"),
    [
        ("replace-section", {"infillStartS": 5, "infillEndS": 10}, "6 to 60"),
        ("replace-section", {"infillStartS": 1, "infillEndS": 18}, "half"),
        ("replace-section", {"infillStartS": 990, "infillEndS": 999}, "lasts"),
        ("generate-persona", {"name": "n", "description": "d", "vocalStart": 1, "vocalEnd": 5}, "10 to 30"),
        ("generate-persona", {"name": "n"}, "description"),
        ("split-stem", {"type": "all"}, "type"),
        ("split-stem", {}, "type"),
        ("mp4-generate", {"author": "x" * 51}, "author"),
        ("extend", {"defaultParamFlag": True, "prompt": "a", "style": "b", "title": "c", **V5}, "continueAt"),
        ("extend", {"defaultParamFlag": False, "continueAt": 999, **V5}, "lasts"),
        ("wav-generate", {"audioId": "another"}, "not found"),
    ],
)
def test_what_does_not_fit_the_song_is_refused(gateway, action, fields, word):
    start = song(gateway)
    words = {"prompt": "a", "tags": "b", "title": "c"} if action == "replace-section" else {}
    answer = post(gateway, action, **{**start, **words, **fields})
    assert answer["code"] in (400, 404, 413)
    assert word in answer["msg"]


def test_a_song_that_is_not_ready_cannot_be_worked_on(gateway):
    task_id = make(gateway, prompt="Boats demo-step-by-step")
    look(gateway, task_id)
    start = {"taskId": task_id, "audioId": tracks(gateway, task_id)[0]["id"]}
    answer = post(gateway, "wav-generate", **start)
    assert (answer["code"], answer["msg"]) == (400, "The music is not ready yet")


@pytest.mark.parametrize("kind", ["lyrics", "vocal-removal", "wav", "mp4", "cover"])
def test_a_song_is_found_under_its_own_query_only(gateway, kind):
    answer = query(gateway, make(gateway), kind)
    assert answer == {"code": 404, "msg": "Task not found", "data": None}


def test_a_query_without_an_id_is_refused(gateway):
    status, _, body = gateway.call("GET", "/suno/query/task")
    assert (status, json.loads(body)["msg"]) == (200, "Please enter taskId")


def test_unknown_routes_and_methods_are_the_gateways_own_errors(gateway):
    assert gateway.call("GET", "/suno/generate")[0] == 405
    assert gateway.call("POST", "/suno/query/task")[0] == 405
    assert gateway.call("GET", "/suno/query/everything?taskId=x")[0] == 404
    assert gateway.call("POST", "/suno/generate", b"[")[0] == 400
    assert gateway.call("POST", "/suno/generate", SONG, headers={"x-api-key": "demo-key"})[0] == 401
    assert gateway.call("GET", "/suno/query/task?taskId=x", headers={})[0] == 401


@pytest.mark.parametrize("text", ["\x00", "\ud83d lone", "[", "[]", "[Verse]", "\u2028", "🎵 " * 30, "demo-"])
def test_no_words_break_it(gateway, text):
    start = song(gateway, customMode=True, prompt=text, style=text, title=text)
    assert fetch(gateway, tracks(gateway, start["taskId"])[0]["audioUrl"])[1].startswith(b"RIFF")
    assert look(gateway, make(gateway, "generate-lyrics", prompt=text), "lyrics")["response"]["data"]
