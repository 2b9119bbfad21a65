"""Several records in one notice, as S3 and its like may send them."""

from datetime import UTC, datetime

import msgspec
import pytest

from emg_session.resource import session_id
from tests.support.senders import RECORDED, proof

RECORD = msgspec.json.decode((RECORDED / "minio-put.json").read_bytes())["Records"][0]


def record(key: str, *, bucket: str = "recordings", **changes: object) -> dict:
    stored = RECORD["s3"]["object"] | {"key": key} | changes
    return RECORD | {"s3": RECORD["s3"] | {"bucket": {"name": bucket}, "object": stored}}


async def post(web, *records: dict):
    body = msgspec.json.encode({"Records": records})
    return await web.post("/webhooks/minio", content=body, headers=proof("minio", body))


@pytest.fixture(autouse=True)
def three_recordings(bucket, recording_file):
    for name in ("two", "three"):
        (bucket / "P001" / f"{name}.c3d").write_bytes(recording_file.read_bytes())


async def test_each_record_is_a_session_and_the_answer_is_about_the_first(web, sessions):
    response = await post(web, *(record(f"P001/{name}.c3d") for name in ("one", "two", "three")))

    answer = response.json()
    assert response.status_code == 202
    assert answer["message"] == "Session created; 2 more of the same request"
    assert len(sessions.manifests) == 3
    assert answer["session_id"] == str(session_id(answer["session_code"]))
    first = sessions.manifests[answer["session_code"]]
    assert first["spec"]["recording"]["uri"].endswith("P001/one.c3d")


@pytest.mark.parametrize("odd", [record("notes.txt"), record("x.c3d", bucket="others"), record("..%2Fx.c3d")])
async def test_a_record_that_is_none_for_us_does_not_keep_others_out(web, sessions, odd):
    response = await post(web, odd, record("P001/one.c3d"), odd)

    assert response.status_code == 202
    assert len(sessions.manifests) == 1


async def test_a_record_that_leaves_its_bucket_alone_is_refused(web):
    response = await post(web, record("notes.txt"), record("..%2F..%2Fx.c3d"))

    assert (response.status_code, response.json()["type"]) == (403, "urn:emg-operator:problem:unknown-bucket")


@pytest.mark.parametrize("key", ["P001/%0Aone.c3d", "P001/%00.c3d", "P001/%FF.c3d", "%C2%9B.c3d", "x" * 1100 + ".c3d"])
async def test_a_key_that_no_object_should_have_is_refused_however_it_is_written(web, sessions, key):
    response = await post(web, record(key))

    assert (response.status_code, response.json()["type"]) == (422, "urn:emg-operator:problem:wrong-shape")
    assert sessions.manifests == {}


async def test_a_record_that_has_to_wait_keeps_no_other_from_being_taken(web, sessions):
    response = await post(web, record("P001/late.c3d", eTag=""), record("P001/one.c3d"))

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert len(sessions.manifests) == 1

    again = await post(web, record("P001/one.c3d"))
    assert (again.status_code, again.json()["created"]) == (202, False)


async def test_a_notice_without_records_is_ignored(web, sessions):
    response = await post(web)

    assert (response.status_code, response.json()["message"]) == (200, "Ignored: nothing in it")
    assert sessions.manifests == {}


async def test_the_same_delivery_of_two_objects_is_two_sessions(web, sessions):
    body = msgspec.json.decode((RECORDED / "standard-created.json").read_bytes())
    for key in ("P001/one.c3d", "P001/two.c3d"):
        told = msgspec.json.encode(body | {"data": {"bucket": "recordings", "key": key}})
        await web.post("/webhooks/standard", content=told, headers=proof("standard", told, now=datetime.now(UTC)))

    deliveries = {m["metadata"]["annotations"]["emg.ghostly/delivery"] for m in sessions.manifests.values()}
    assert (len(sessions.manifests), len(deliveries)) == (2, 1)
