"""No JSON whatever makes the music routes do anything but take it or refuse it."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.demo.media import faults, suno_fields, suno_jobs, suno_songs
from playground.demo.media.suno_sound import length_s

NAMES = sorted({field.name for route in suno_fields.ROUTES.values() for field in route.fields})
WORDS = st.sampled_from(
    [
        *("V4", "V5", "m", "split_stem", "separate_vocal", "https://a.example.test/b", "http://[", "//x"),
        *("demo-fails", "demo-code-429", "demo-callback-late", "demo-", "[Verse]", "la la", "\ud83d", "\x00"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=2), SCALARS, max_size=2)
GOOD = {
    "customMode": st.booleans(),
    "instrumental": st.booleans(),
    "defaultParamFlag": st.booleans(),
    "model": st.sampled_from(suno_fields.MODELS),
    "callBackUrl": st.just("https://a.example.test/b"),
    "uploadUrl": st.just("https://a.example.test/b"),
    "prompt": st.text(min_size=1, max_size=30) | WORDS,
    "style": st.text(min_size=1, max_size=20),
    "title": st.text(min_size=1, max_size=20),
}
LIKELY = st.fixed_dictionaries({}, optional=GOOD | {name: VALUES for name in NAMES if name not in GOOD})
ANY = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)


@pytest.mark.parametrize("action", suno_fields.ROUTES)
@settings(deadline=None, max_examples=40)
@given(body=LIKELY | ANY)
def test_any_body_is_taken_or_refused(action, body):
    route = suno_fields.ROUTES[action]
    said = suno_jobs.texts(body)
    assert suno_jobs.plan(route, suno_jobs.wishes(said), faults.read("", said), later=False)
    with suppress(suno_fields.NotTaken):
        suno_fields.read(route, body)
        if route.query == "task" and not route.takes("audioId"):
            assert all(length_s(track.cuts) > 0 for track in suno_songs.make(action, body, None))
