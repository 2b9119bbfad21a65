import asyncio
import itertools

import pytest

from emg_api import intake
from emg_session.object_order import OBJECT_ORDER_ANNOTATION
from emg_session.resource import OBJECT_LABEL, object_label, session_id, session_name
from tests.support.web import KEYS, LEGACY_UPLOAD, UPLOAD, inserted, post, signed

ONE = "P001/one.c3d"


async def test_a_notice_becomes_a_session_with_the_headers_metadata(web, sessions, summaries, recordings, bucket):
    response = await post(web, inserted(ONE))

    answer = response.json()
    name = answer["session_code"]
    assert response.status_code == 202
    assert answer == {
        "success": True,
        "message": "Session created",
        "session_code": name,
        "session_id": str(session_id(name)),
        "created": True,
        "status_url": f"/webhooks/storage/status/{name}",
        "metadata": summaries.rows[name].game_metadata,
        "processing_time_ms": answer["processing_time_ms"],
    }
    assert [c["name"] for c in answer["metadata"]["channels"]] == [
        "CH1 Raw",
        "CH2 Raw",
        "CH1 activated",
        "CH2 activated",
    ]
    uri = sessions.manifests[name]["spec"]["recording"]["uri"]
    assert sessions.manifests[name]["metadata"]["labels"] == {OBJECT_LABEL: object_label(uri)}
    assert sessions.manifests[name]["metadata"]["annotations"][OBJECT_ORDER_ANNOTATION].startswith("modified:00")
    assert sessions.manifests[name]["spec"]["subject"] == "P001"
    assert sessions.manifests[name]["spec"]["recording"]["sizeBytes"] == (bucket / ONE).stat().st_size
    assert recordings.reads == [(0, 4096)]


async def test_the_answer_holds_no_personal_data(web):
    response = await post(web, inserted(ONE))

    assert "Synthetic Player" not in response.text


@pytest.mark.parametrize("key", KEYS)
async def test_every_live_key_is_accepted(web, key):
    assert (await post(web, inserted(ONE), key=key)).status_code == 202


async def test_a_signature_without_its_prefix_is_accepted(web):
    body = b'{"type": "DELETE", "table": "objects", "schema": "storage"}'
    bare = {name: value.removeprefix("sha256=") for name, value in signed(body).items()}

    assert (await web.post(UPLOAD, content=body, headers=bare)).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"x-supabase-signature": "sha256="}, signed(b"another body"), signed(b"{", "no")]
)
async def test_an_unsigned_body_is_refused_before_it_is_parsed(web, sessions, recordings, headers):
    response = await web.post(UPLOAD, content=b"{", headers=headers)

    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:emg-operator:problem:not-signed"
    assert (sessions.manifests, recordings.reads) == ({}, [])


async def test_a_signature_of_any_bytes_is_refused(web):
    response = await web.post(UPLOAD, content=b"{}", headers={"x-supabase-signature": b"sha256=\xff\xfe"})

    assert response.status_code == 401


async def test_the_same_notice_twice_is_one_session(web, sessions):
    first, second = (await post(web, inserted(ONE))).json(), (await post(web, inserted(ONE))).json()

    assert (first["created"], second["created"]) == (True, False)
    assert second["message"] == "Session exists already"
    assert first["session_code"] == second["session_code"]
    assert list(sessions.manifests) == [first["session_code"]]


async def test_the_legacy_name_does_the_same_and_names_its_successor(web, sessions):
    response = await post(web, inserted(ONE), path=LEGACY_UPLOAD)

    assert response.status_code == 200
    assert response.headers["deprecation"] == "@1795392000"
    assert response.headers["link"] == f'<{UPLOAD}>; rel="successor-version"'
    assert list(sessions.manifests) == [response.json()["session_code"]]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (inserted(ONE) | {"type": "UPDATE"}, "UPDATE is no new object"),
        (inserted(ONE) | {"type": "DELETE", "record": None}, "DELETE is no new object"),
        (inserted(ONE) | {"table": "buckets", "record": {"id": 1}}, "not about a stored object"),
        (inserted("P001/notes.txt"), "the object is no .c3d file"),
        (inserted(ONE, bucket="avatars"), "the bucket is not in EMG_BUCKETS"),
    ],
)
async def test_what_is_no_new_recording_is_ignored_unread(web, sessions, recordings, payload, reason):
    response = await post(web, payload)

    assert (response.status_code, response.json()) == (200, {"success": True, "message": f"Ignored: {reason}"})
    assert (sessions.manifests, recordings.reads) == ({}, [])


@pytest.mark.parametrize("key", ["../../etc/one.c3d", "/P001/one.c3d", "P001//one.c3d", "P001/./one.c3d"])
async def test_a_key_that_leaves_its_bucket_is_refused_unread(web, sessions, recordings, key):
    response = await post(web, inserted(key))

    assert (response.status_code, response.json()["type"]) == (403, "urn:emg-operator:problem:unknown-bucket")
    assert (sessions.manifests, recordings.reads) == ({}, [])


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"{", 400, "not-json"),
        (b"\xff", 400, "not-json"),
        (b"[]", 422, "wrong-shape"),
        (b'{"type": "INSERT", "table": "objects", "schema": "storage"}', 422, "wrong-shape"),
        (inserted("P001/one\n.c3d"), 422, "wrong-shape"),
        (inserted(ONE, size=-1), 422, "wrong-shape"),
        (inserted("x" * 70_000 + ".c3d"), 413, "body-too-large"),
    ],
)
async def test_a_body_that_is_no_notice_is_refused_with_what_to_do(web, body, status, slug):
    response = await post(web, body)

    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert problem["type"] == f"urn:emg-operator:problem:{slug}"
    assert problem.keys() == {"type", "title", "status", "detail", "advice"}


async def test_a_file_that_is_no_c3d_gets_a_session_all_the_same(web, bucket, sessions, summaries):
    (bucket / "P001" / "bad.c3d").write_bytes(b"no C3D at all" * 1000)

    answer = (await post(web, inserted("P001/bad.c3d"))).json()

    assert answer["metadata"] is None
    assert answer["message"].startswith("Session created; no metadata: not a C3D recording")
    assert list(sessions.manifests) == list(summaries.rows) == [answer["session_code"]]


async def test_an_object_not_there_yet_is_taken_at_the_notices_word(web, bucket, sessions):
    answer = (await post(web, inserted("P002/late.c3d", eTag='"9b2c"', size=1000))).json()

    uri = f"file://{bucket}/P002/late.c3d"
    assert (answer["created"], answer["metadata"]) == (True, None)
    assert answer["session_code"] == session_name(uri, "9b2c")
    assert sessions.manifests[answer["session_code"]]["spec"]["recording"] == {
        "uri": uri,
        "version": "9b2c",
        "sizeBytes": 1000,
    }


async def test_an_object_not_there_and_of_no_known_version_is_for_later(web, sessions):
    response = await post(web, inserted("P002/late.c3d"))

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["type"] == "urn:emg-operator:problem:recording-not-there"
    assert sessions.manifests == {}


async def test_storage_that_does_not_answer_is_not_waited_for(web, recordings, monkeypatch):
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(intake, "_SECONDS_TO_LOOK", 0.01)
    monkeypatch.setattr(recordings, "read_range", never)

    assert (await post(web, inserted(ONE))).json()["type"] == "urn:emg-operator:problem:storage-unavailable"
    assert (await post(web, inserted(ONE, eTag="9b2c"))).status_code == 202


async def test_without_kubernetes_nothing_is_promised(web, sessions, summaries):
    sessions.away = True

    response = await post(web, inserted(ONE))

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["type"] == "urn:emg-operator:problem:cluster-unavailable"
    assert summaries.rows == {}


async def test_without_the_database_the_session_is_made_all_the_same(web, sessions, summaries):
    summaries.away = True

    response = await post(web, inserted(ONE))

    assert response.status_code == 202
    assert list(sessions.manifests) == [response.json()["session_code"]]


async def test_the_status_of_a_session_nobody_has_seen_yet_is_pending(web):
    answer = (await post(web, inserted(ONE))).json()

    assert (await web.get(answer["status_url"])).json() == {
        "success": True,
        "session_code": answer["session_code"],
        "session_id": answer["session_id"],
        "status": "Pending",
        "finished": False,
        "message": "the operator has not seen the session yet",
        "conditions": [],
    }


async def test_the_status_of_a_finished_session_is_its_top_conditions_reason(web, sessions):
    answer = (await post(web, inserted(ONE))).json()
    condition = {
        "type": "Succeeded",
        "status": "True",
        "reason": "Completed",
        "message": "8 contractions",
        "lastTransitionTime": "2026-03-02T10:00:00Z",
        "observedGeneration": 1,
    }
    sessions.statuses[answer["session_code"]] = {"conditions": [condition]}

    status = (await web.get(answer["status_url"])).json()

    assert (status["status"], status["finished"], status["message"]) == ("Completed", True, "8 contractions")
    assert status["conditions"] == [condition]


@pytest.mark.parametrize("code", ["emg-aaaaaaaaaaaa", "..%2f..%2fsecrets", "%00", "A" * 64])
async def test_the_status_of_no_session_is_not_found(web, code):
    response = await web.get(f"/webhooks/storage/status/{code}")

    assert response.status_code == 404


async def test_a_flood_of_questions_about_sessions_keeps_no_notice_waiting(web, sessions):
    sessions.silent = True
    status = "/webhooks/storage/status/emg-aaaaaaaaaaaa"
    flood = [asyncio.create_task(web.get(status)) for _ in range(300)]
    refused = [
        (await one).headers["retry-after"] for one in itertools.islice(asyncio.as_completed(flood, timeout=300), 92)
    ]

    assert (refused, sessions.loading) == (["5"] * 92, 8)
    assert (await post(web, inserted(ONE))).status_code == 202
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_logs_tell_the_session_and_nothing_from_inside_the_recording(web, caplog):
    caplog.set_level("DEBUG")

    answer = (await post(web, inserted(ONE))).json()

    (event,) = [record for record in caplog.records if record.name == "emg_api.intake"]
    assert (event.getMessage(), event.session, event.is_new) == ("notice accepted", answer["session_code"], True)
    assert "Synthetic Player" not in str([vars(record) for record in caplog.records])
