"""What anybody may send: only documented refusals come of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_api.adapters.notice import Handshake, Ignored, Notice
from emg_api.adapters.request import RawRequest
from emg_api.adapters.table import SENDERS
from emg_api.refusals import NotJson, NotSigned, OutOfTime, RepeatedHeader, UnsupportedMedia, WrongShape
from tests.support.senders import AMAZON_KEY, NOW, RECORDED, adapter, proof, raw, sns_message
from tests.support.web import inserted

REFUSALS = (NotSigned, OutOfTime, RepeatedHeader, UnsupportedMedia, NotJson, WrongShape)
ADAPTERS = {name: adapter(name) for name in SENDERS}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
HEADERS = st.sampled_from(
    [
        "authorization",
        "x-supabase-signature",
        "x-amz-sns-message-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "ce-id",
        "ce-type",
        "content-type",
    ]
)
VALUES = (
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60)
    | st.sampled_from(
        ["Bearer ", "bearer x.y.z", "Bearer eyJhbGciOiJub25lIn0.e30.", "v1,", "v1a,AAAA v1,!", "1772445600"]
    )
    | st.sampled_from(["application/cloudevents+json", "application/json", "Notification", "sha256="])
)


def told(arrivals: object) -> bool:
    """Whether this is what an adapter may return."""
    return isinstance(arrivals, Handshake) or all(isinstance(arrival, Notice | Ignored) for arrival in arrivals)


async def read(sender: str, payload: object, **headers: str):
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return await ADAPTERS[sender].read(raw(body, proof(sender, body) | headers), NOW)


@st.composite
def changed_payloads(draw: st.DrawFn) -> tuple[str, bytes]:
    """A recorded payload with one value replaced by any JSON, or taken away."""
    path = draw(st.sampled_from(sorted(RECORDED.iterdir())))
    payload = msgspec.json.decode(path.read_bytes())
    holder, key = draw(st.sampled_from(list(places(payload))))
    if draw(st.booleans()):
        holder[key] = draw(JSON)
    else:
        del holder[key]
    return path.name.partition("-")[0], msgspec.json.encode(payload)


def places(value: object):
    """Yield every container and key in a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(entries):
        yield value, key
        yield from places(inner)


@pytest.mark.parametrize("sender", SENDERS)
@given(headers=st.lists(st.tuples(HEADERS, VALUES), max_size=8), body=st.binary(max_size=200))
async def test_nothing_unsigned_is_believed_and_nothing_escapes(sender, headers, body):
    with pytest.raises(REFUSALS):
        await ADAPTERS[sender].read(RawRequest(headers=headers, body=body), NOW)


@given(changed_payloads(), st.sampled_from(["application/json", "application/cloudevents+json"]))
async def test_no_signed_payload_escapes_its_adapter(changed, media_type):
    sender, body = changed
    try:
        arrivals = await read(sender, body, **{"content-type": media_type})
    except REFUSALS:
        return
    assert told(arrivals)


@pytest.mark.parametrize("sender", SENDERS)
@given(body=st.binary(max_size=300) | JSON.map(msgspec.json.encode))
async def test_no_signed_bytes_escape_their_adapter(sender, body):
    try:
        arrivals = await read(sender, body, **{"content-type": "application/cloudevents+json"})
    except REFUSALS:
        return
    assert told(arrivals)


@given(message=st.text(max_size=300) | JSON.map(lambda value: msgspec.json.encode(value).decode()))
async def test_no_message_of_sns_escapes_its_adapter(message):
    body = sns_message(AMAZON_KEY, message)
    try:
        arrivals = await ADAPTERS["s3"].read(raw(body, {"x-amz-sns-message-type": "Notification"}), NOW)
    except REFUSALS:
        return
    assert told(arrivals)


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("body", [b'{"record": ' + b"[" * 60_000, b'{"other": ' + b'{"a":' * 10_000, b"[" * 60_000])
async def test_a_body_nested_too_deeply_is_no_json(sender, body):
    with pytest.raises((NotJson, WrongShape)):
        await read(sender, body, **{"content-type": "application/cloudevents+json"})


async def test_a_size_that_no_session_could_hold_is_refused():
    assert (await read("supabase", inserted("x.c3d", size=2**40)))[0].size_bytes == 2**40
    with pytest.raises(WrongShape, match="size"):
        await read("supabase", inserted("x.c3d", size=2**40 + 1))


async def test_another_row_is_ignored_whatever_its_shape():
    (ignored,) = await read("supabase", inserted("x.c3d") | {"schema": "public", "record": [1]})

    assert ignored.sentence == "not about a stored object"
