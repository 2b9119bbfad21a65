from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emg_local.cluster import LocalCluster
from emg_operator.bodies import Kind
from emg_operator.cluster import SessionGone, StatusConflict
from emg_session.resource import RecordingRef, SessionSpec, build_session
from emg_session.status import SessionStatus

NOW = datetime(2026, 3, 2, 10, 0, 0, 123, tzinfo=UTC)
SPEC = SessionSpec(recording=RecordingRef(uri="s3://recordings/P001/a.c3d", version="1"), profile="ghostly-2")
MANIFEST = build_session(SPEC, namespace="local")
NAME = MANIFEST["metadata"]["name"]


def opened(folder: Path) -> LocalCluster:
    return LocalCluster(folder, now=lambda: NOW)


def seen_by_a_watcher(cluster: LocalCluster) -> list[tuple[Kind, str | None, dict[str, Any]]]:
    seen: list[tuple[Kind, str | None, dict[str, Any]]] = []
    cluster.watch(lambda kind, event, body: seen.append((kind, event, body)))
    return seen


async def test_creating_a_session_twice_makes_one(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    assert [await cluster.create(MANIFEST), await cluster.create(MANIFEST)] == [True, False]
    session = await cluster.load(NAME)
    assert session is not None
    assert (session.spec, session.generation, session.created_at) == (SPEC, 1, NOW.replace(microsecond=0))


async def test_a_session_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert await opened(tmp_path).load("emg-none") is None


async def test_a_status_over_a_stale_version_is_refused(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    await cluster.create(MANIFEST)
    stale = cluster.bodies(Kind.SESSION)[0]
    saved = await cluster.save_status(stale, SessionStatus(job_name="a"))
    with pytest.raises(StatusConflict):
        await cluster.save_status(stale, SessionStatus(job_name="b"))
    assert (await cluster.save_status(saved, SessionStatus(job_name="b")))["status"] == {"jobName": "b"}


async def test_the_same_status_again_changes_nothing(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    await cluster.create(MANIFEST)
    saved = await cluster.save_status(cluster.bodies(Kind.SESSION)[0], SessionStatus(job_name="a"))
    seen = seen_by_a_watcher(cluster)
    assert await cluster.save_status(saved, SessionStatus(job_name="a")) == saved
    assert seen == [(Kind.SESSION, None, saved)]


async def test_a_status_of_a_deleted_session_is_refused(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    await cluster.create(MANIFEST)
    body = cluster.bodies(Kind.SESSION)[0]
    cluster.remove(Kind.SESSION, NAME)
    with pytest.raises(SessionGone):
        await cluster.save_status(body, SessionStatus())


async def test_a_watcher_sees_what_there_is_and_every_change(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    seen = seen_by_a_watcher(cluster)
    await cluster.create(MANIFEST)
    await cluster.save_status(cluster.bodies(Kind.SESSION)[0], SessionStatus(job_name="a"))
    cluster.remove(Kind.SESSION, NAME)
    assert [event for _, event, _ in seen] == ["ADDED", "MODIFIED", "DELETED"]


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    before = opened(tmp_path)
    await before.create(MANIFEST)
    await before.create_job({"metadata": {"name": "job", "namespace": "local"}, "spec": {}})
    after = opened(tmp_path)
    assert [after.bodies(kind) for kind in Kind] == [before.bodies(kind) for kind in Kind]
    await after.create_job({"metadata": {"name": "later", "namespace": "local"}, "spec": {}})
    versions = [int(body["metadata"]["resourceVersion"]) for kind in Kind for body in after.bodies(kind)]
    assert sorted(versions) == [1, 2, 3]


async def test_what_is_handed_out_can_be_changed_without_harm(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    await cluster.create(MANIFEST)
    cluster.bodies(Kind.SESSION)[0]["spec"]["profile"] = "changed"
    session = await cluster.load(NAME)
    assert session is not None
    assert msgspec.to_builtins(session.spec) == msgspec.to_builtins(SPEC)


async def test_a_session_is_deleted_only_as_it_was_seen_and_takes_its_jobs_along(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    await cluster.create(MANIFEST)
    job = {"metadata": {"name": "job", "namespace": "local", "labels": {"emg.ghostly/session": NAME}}, "spec": {}}
    await cluster.create_job(job)
    stale = cluster.bodies(Kind.SESSION)[0]
    saved = await cluster.save_status(stale, SessionStatus(job_name="job"))
    with pytest.raises(StatusConflict):
        await cluster.delete_session(stale)
    await cluster.delete_session(saved)
    assert cluster.bodies(Kind.SESSION) == []
    assert "deletionTimestamp" in cluster.body(Kind.JOB, "job")["metadata"]
    with pytest.raises(SessionGone):
        await cluster.load_family("local", NAME)


async def test_what_a_status_no_longer_tells_is_gone(tmp_path: Path) -> None:
    cluster = opened(tmp_path)
    await cluster.create(MANIFEST)
    saved = await cluster.save_status(cluster.bodies(Kind.SESSION)[0], SessionStatus(job_name="a", duration="75.0s"))
    assert (await cluster.save_status(saved, SessionStatus(job_name="b")))["status"] == {"jobName": "b"}
