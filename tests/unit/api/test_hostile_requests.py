"""Whatever is posted, the answer is one of the documented ones, and never an error of ours."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emg_api.adapters.table import SENDERS
from tests.support.senders import RECORDED, proof
from tests.support.web import inserted, signed

PAYLOADS = [path.read_bytes() for path in sorted(RECORDED.iterdir())]
NAMES = st.sampled_from(
    ["content-type", "content-encoding", "authorization", "webhook-id", "ce-id", "x-supabase-signature"]
)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=40) | st.sampled_from(
    ["gzip", "identity", "application/json", "application/cloudevents-batch+json", "Bearer x", "sha256=00"]
)
HEADERS = st.lists(st.tuples(NAMES, VALUES.map(lambda text: text.encode("latin-1"))), max_size=6)
KEYS = st.text(max_size=60) | st.lists(
    st.sampled_from(["..", ".", "P001", "%2e%2e", "", "x" * 300, "é\u202e"]), min_size=1
).map("/".join)
MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def documented(web) -> set[int]:
    document = (await web.get("/openapi.json")).json()
    return {int(status) for status in document["paths"]["/webhooks/{sender}"]["post"]["responses"]} - {500}


@pytest.mark.parametrize("sender", SENDERS)
@MANY
@given(request=st.tuples(HEADERS, st.binary(max_size=300) | st.sampled_from(PAYLOADS), st.booleans()))
async def test_a_request_gets_a_documented_answer(web, documented, sender, request):
    headers, body, proven = request
    own = [(name.encode(), value.encode()) for name, value in (proof(sender, body) if proven else {}).items()]
    given = [(name.encode(), value) for name, value in headers]

    response = await web.post(f"/webhooks/{sender}", content=body, headers=own + given)

    assert response.status_code in documented
    assert response.status_code < 300 or response.json()["type"].startswith("urn:emg-operator:problem:")


@MANY
@given(place=st.tuples(st.sampled_from(["recordings", "", "..", "file:///etc", "s3://others"]) | st.text(), KEYS))
async def test_any_key_and_bucket_get_a_documented_answer_and_read_nothing_elsewhere(
    web, documented, sessions, buckets, place
):
    bucket, key = place
    body = msgspec.json.encode(inserted(f"{key}.c3d", bucket=bucket, eTag="9b2c"))

    response = await web.post("/webhooks/supabase", content=body, headers=signed(body))

    assert response.status_code in documented
    uris = [body["spec"]["recording"]["uri"] for body in sessions.manifests.values()]
    assert all(uri.startswith(f"{buckets.uris['recordings']}/") and "/../" not in uri for uri in uris)


@pytest.mark.parametrize("number", ["1e999", "-1", "9" * 400, "1.5", "NaN", "true", '"12"', "18446744073709551616"])
async def test_a_number_that_is_no_size_is_refused(web, number):
    body = (
        b'{"type":"INSERT","table":"objects","schema":"storage","record":{"name":"P001/one.c3d","bucket_id":"recordings","metadata":{"size":%b}}}'
        % number.encode()
    )

    response = await web.post("/webhooks/supabase", content=body, headers=signed(body))

    assert response.status_code in (400, 422)
    assert len(response.json()["detail"]) <= 500
