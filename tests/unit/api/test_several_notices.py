"""Several records in one notice, as S3 and its like may send them."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_api.adapters.notice import Because, Ignored, Notice
from emg_api.intake import overtaken_ignored
from emg_session.object_order import ObjectOrder
from emg_session.resource import session_id
from tests.support.senders import RECORDED, proof

SEQUENCES = st.none() | st.tuples(st.sampled_from(["s3", "minio"]), st.sampled_from("12345"))
NOTICES = st.builds(Notice, bucket=st.sampled_from("ab"), key=st.sampled_from("xy"), sequence=SEQUENCES)
IGNORED = Ignored(Because.NOT_NEW, "no new object")
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


async def test_events_of_eventbridge_may_come_as_a_list(web, sessions):
    event = msgspec.json.decode((RECORDED / "s3-eventbridge.json").read_bytes())
    stored = [event["detail"]["object"] | {"key": f"P001/{name}.c3d"} for name in ("one", "two")]
    events = [event | {"detail": event["detail"] | {"object": each}} for each in stored]
    body = msgspec.json.encode([*events, event | {"detail-type": "Object Deleted"}])

    response = await web.post("/webhooks/s3", content=body, headers=proof("s3", body))

    assert response.status_code == 202
    assert len(sessions.manifests) == 2


@pytest.mark.parametrize("odd", [record("notes.txt"), record("x.c3d", bucket="others"), record("..%2Fx.c3d")])
async def test_a_record_that_is_none_for_us_does_not_keep_others_out(web, sessions, odd):
    response = await post(web, odd, record("P001/one.c3d"), odd)

    assert response.status_code == 202
    assert len(sessions.manifests) == 1


async def test_a_record_that_leaves_its_bucket_alone_is_refused(web):
    response = await post(web, record("notes.txt"), record("..%2F..%2Fx.c3d"))

    assert (response.status_code, response.json()["type"]) == (403, "urn:emg-operator:problem:unknown-bucket")


@pytest.mark.parametrize(
    "key", ["P001/%0Aone.c3d", "P001/%00.c3d", "P001/%FF.c3d", "%C2%9B.c3d", "x" * 1100 + ".c3d", "%78" * 1021 + ".c3d"]
)
async def test_a_key_that_no_object_should_have_is_refused_however_it_is_written(web, sessions, key):
    response = await post(web, record(key))

    assert (response.status_code, response.json()["type"]) == (422, "urn:emg-operator:problem:wrong-shape")
    assert sessions.manifests == {}


async def test_a_key_may_be_as_long_as_storage_has_them_however_it_is_written(web, sessions):
    response = await post(web, record("P001%2F" + "%C3%A9" * 507 + ".c3d"))

    assert response.status_code == 202
    assert len(sessions.manifests) == 1


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


@given(st.lists(NOTICES | st.just(IGNORED), max_size=12))
def test_what_any_other_record_overtakes_is_ignored_and_nothing_else(arrivals):
    for arrival, left in zip(arrivals, overtaken_ignored(arrivals), strict=True):
        overtaken = isinstance(arrival, Notice) and any(is_overtaken(arrival, other) for other in arrivals)
        assert getattr(left, "because", None) == (Because.OVERTAKEN if overtaken else getattr(arrival, "because", None))


def is_overtaken(one, other):
    same = isinstance(other, Notice) and (one.bucket, one.key) == (other.bucket, other.key)
    return same and ObjectOrder.of(sequence=other.sequence).is_newer_than(ObjectOrder.of(sequence=one.sequence))


async def test_a_notice_of_an_erased_subject_makes_no_session_and_is_not_sent_again(web, sessions, summaries):
    summaries.erased_subjects = {"P001"}
    response = await post(web, record("P001/one.c3d"))

    assert (response.status_code, sessions.manifests, summaries.rows) == (200, {}, {})
    assert response.json()["message"] == "Ignored: the recording was erased"


async def test_while_nobody_can_tell_what_was_erased_a_notice_is_taken_in(web, sessions, summaries):
    summaries.erased_subjects, summaries.away = {"P001"}, True
    response = await post(web, record("P001/one.c3d"))

    assert (response.status_code, len(sessions.manifests)) == (202, 1)
