import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_api.adapters import supabase
from emg_api.adapters.notice import Ignored, Notice
from emg_api.refusals import NotJson, WrongShape
from emg_session.errors import PermanentFailure
from tests.support.web import KEYS, inserted, signed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def parse(payload):
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return supabase.parse(body, signed(body), KEYS)


def test_an_inserted_recording_is_a_notice_with_the_senders_version():
    payload = inserted("P001/One.C3D", eTag='W/"9b2c"', size=1000, mimetype="application/octet-stream")

    assert parse(payload) == [Notice(bucket="recordings", key="P001/One.C3D", version="9b2c", size_bytes=1000)]


def test_another_row_is_ignored_whatever_its_shape():
    assert parse(inserted("x.c3d") | {"schema": "public", "record": [1]}) == [Ignored("not about a stored object")]


@pytest.mark.parametrize("body", [b'{"record": ' + b"[" * 60_000, b'{"other": ' + b'{"a":' * 10_000])
def test_a_body_nested_too_deeply_is_no_json(body):
    with pytest.raises(NotJson):
        parse(body)


def test_a_size_that_no_session_could_hold_is_refused():
    assert parse(inserted("x.c3d", size=2**40))[0].size_bytes == 2**40
    with pytest.raises(WrongShape, match="size"):
        parse(inserted("x.c3d", size=2**40 + 1))


@given(record=JSON)
def test_no_record_escapes_the_adapter(record):
    try:
        arrivals = parse(inserted("x.c3d") | {"record": record})
    except PermanentFailure:
        return
    assert all(isinstance(arrival, Notice | Ignored) for arrival in arrivals)


@given(body=st.binary())
def test_no_bytes_escape_the_adapter(body):
    with pytest.raises(PermanentFailure):
        parse(body)
