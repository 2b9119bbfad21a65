"""The sweep against real storage, with sessions and database in memory."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emg_operator.metrics import Metrics
from emg_operator.sweep import Sweep, SweepSettings
from emg_operator.wanted import Wanted
from emg_session.errors import SessionRefused
from emg_session.object_order import ObjectOrder
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import RecordingRef, build_session, build_spec, session_name
from tests.storage.conftest import Place
from tests.support.memory import MemorySessions, MemorySummaries
from tests.support.s3 import S3Server

KEY = "P001/2023 03/first-session.c3d"
LATER = timedelta(hours=1)
ANY_C3D = Wanted()


@dataclass
class Found:
    """A sweep with what it compares with."""

    sweep: Sweep
    sessions: MemorySessions
    summaries: MemorySummaries

    @property
    def finds(self) -> float | None:
        return self.sweep.metrics.registry.get_sample_value("emg_operator_sweep_finds_total")

    @property
    def passed_over(self) -> float | None:
        return self.sweep.metrics.registry.get_sample_value("emg_operator_sweep_passed_over")

    @property
    def failing(self) -> float | None:
        return self.sweep.metrics.registry.get_sample_value("emg_operator_sweep_failing_buckets")

    @property
    def failures(self) -> float | None:
        return self.sweep.metrics.registry.get_sample_value("emg_operator_sweeps_total", {"outcome": "failed"})


def sweeping(*bases: str, ahead: timedelta = LATER, most_finds: int = 1000, wanted: Wanted = ANY_C3D) -> Found:
    """Return a sweep whose clock is ahead of storage's."""
    buckets = Buckets({f"bucket{number}": base for number, base in enumerate(bases)})
    sessions, summaries = MemorySessions(), MemorySummaries()
    sweep = Sweep(
        recordings=RecordingStore(buckets),
        buckets=buckets,
        sessions=sessions,
        summaries=summaries,
        settings=SweepSettings(every_seconds=300, settle_seconds=60, wanted=wanted, most_finds=most_finds),
        metrics=Metrics(),
        namespace="emg",
        now=lambda: datetime.now(UTC) + ahead,
    )
    return Found(sweep, sessions, summaries)


async def test_what_nobody_announced_gets_the_session_its_notice_would_have_made(place: Place) -> None:
    place.put(KEY, b"bytes")
    found = sweeping(place.base)
    assert await found.sweep.sweep() == 1
    stored = await place.recordings.read(place.uri(KEY))
    recording = RecordingRef(uri=place.uri(KEY), version=stored.version, size_bytes=5)
    order = ObjectOrder.of(modified_at=stored.modified_at).to_annotations()
    expected = build_session(build_spec(recording, KEY), namespace="emg", annotations=order)
    assert list(found.sessions.manifests.values()) == [expected]
    assert found.finds == 1


async def test_a_second_sweep_finds_nothing_more(place: Place) -> None:
    place.put(KEY, b"bytes")
    found = sweeping(place.base)
    assert [await found.sweep.sweep(), await found.sweep.sweep()] == [1, 0]


async def test_a_session_that_is_gone_after_its_time_to_live_is_not_made_again(place: Place) -> None:
    place.put(KEY, b"bytes")
    found = sweeping(place.base)
    await found.sweep.sweep()
    found.sessions.manifests.clear()
    assert await found.sweep.sweep() == 0
    assert found.sessions.manifests == {}


async def test_a_session_that_the_database_missed_is_known_after_the_sweep_but_no_find(place: Place) -> None:
    place.put(KEY, b"bytes")
    version = (await place.recordings.read(place.uri(KEY))).version
    found = sweeping(place.base)
    spec = build_spec(RecordingRef(uri=place.uri(KEY), version=version), KEY)
    await found.sessions.create(build_session(spec, namespace="emg"))
    assert await found.sweep.sweep() == 0
    assert (found.finds, list(found.summaries.rows)) == (0, [session_name(place.uri(KEY), version)])


async def test_an_overwritten_recording_is_found_as_another_version(place: Place) -> None:
    found = sweeping(place.base)
    place.put(KEY, b"bytes")
    await found.sweep.sweep()
    place.put(KEY, b"other bytes")
    assert await found.sweep.sweep() == 1
    assert len(found.sessions.manifests) == 2


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=30), timedelta(seconds=-30)])
async def test_what_has_just_arrived_is_left_to_its_notice(place: Place, ahead: timedelta) -> None:
    place.put(KEY, b"bytes")
    found = sweeping(place.base, ahead=ahead)
    assert await found.sweep.sweep() == 0


async def test_a_clock_of_storage_that_is_days_ahead_hides_nothing(place: Place) -> None:
    place.put(KEY, b"bytes")
    assert await sweeping(place.base, ahead=-timedelta(days=3)).sweep.sweep() == 1


async def test_only_recordings_count(place: Place) -> None:
    for key in ("P001/notes.txt", "P001/a.c3d.part", "P001/UPPER.C3D"):
        place.put(key, b"bytes")
    found = sweeping(place.base)
    assert await found.sweep.sweep() == 1


async def test_what_no_sender_may_tell_of_is_let_alone(place: Place) -> None:
    for key in ("P001/a.c3d", "Q001/b.c3d", "P001/c.emg"):
        place.put(key, b"bytes")
    wanted = Wanted.from_json('{"s3": {"prefixes": ["P"], "suffixes": [".EMG"]}, "gcs": {"buckets": ["elsewhere"]}}')
    found = sweeping(place.base, wanted=wanted)
    assert await found.sweep.sweep() == 1
    assert [m["spec"]["recording"]["uri"] for m in found.sessions.manifests.values()] == [place.uri("P001/c.emg")]


async def test_storage_that_is_away_costs_its_bucket_one_sweep_and_no_other(place: Place) -> None:
    place.put(KEY, b"bytes")
    found = sweeping(f"{place.base}-nowhere", place.base)
    assert await found.sweep.sweep() == 1
    assert (found.failures, found.failing) == (1, 1)


async def test_keys_that_are_no_paths_hide_no_other_recording(
    bucket: Place, s3: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    good = ("P000/a.c3d", "P001/z.c3d", "P002/later/a.c3d", "last.c3d")
    for key in (*good, "P001/1.c3d", "P001/2.c3d", "P003/3.c3d"):
        bucket.put(key, key.encode())
    folder = s3.folder / bucket.base.removeprefix("s3://")
    for name, odd in (
        ("P001/1.c3d", "P001/m\tm.c3d"),
        ("P001/2.c3d", "P001/m\nm.c3d"),
        ("P003/3.c3d", "P003/m\tm.c3d"),
    ):
        (folder / name).rename(folder / odd)  # our own client refuses to upload it
    found = sweeping(bucket.base)
    assert [await found.sweep.sweep(), await found.sweep.sweep()] == [len(good), 0]
    assert {m["spec"]["recording"]["uri"] for m in found.sessions.manifests.values()} == {*map(bucket.uri, good)}
    assert (found.passed_over, found.failing) == (2, 0)
    assert len([record for record in caplog.records if "passed over 2 objects" in record.message]) == 1


async def test_without_its_database_the_sweep_makes_nothing(place: Place) -> None:
    place.put(KEY, b"bytes")
    found = sweeping(place.base)
    found.summaries.away = True
    assert await found.sweep.sweep() == 0
    assert (found.sessions.manifests, found.failures) == ({}, 1)


async def test_a_cluster_that_is_away_ends_the_sweep_until_it_is_back(place: Place) -> None:
    place.put(KEY, b"bytes")
    found = sweeping(place.base)
    found.sessions.away = True
    assert await found.sweep.sweep() == 0
    found.sessions.away = False
    assert await found.sweep.sweep() == 1


async def test_a_bucket_of_old_recordings_is_taken_in_bit_by_bit(place: Place) -> None:
    for number in range(5):
        place.put(f"P001/{number}.c3d", b"bytes")
    found = sweeping(place.base, most_finds=2)
    assert [await found.sweep.sweep() for _ in range(4)] == [2, 2, 1, 0]


async def test_a_hundred_thousand_objects_are_swept_in_bounded_memory(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"P{number:03}").mkdir()
        for take in range(1000):
            os.mknod(tmp_path / f"P{number:03}" / f"{take}.c3d")
    found, before = sweeping(tmp_path.as_uri(), most_finds=10), resident_mib()
    found.summaries.rows = EverythingKnown()
    assert await found.sweep.sweep() == 0
    assert resident_mib() - before < 48


class EverythingKnown(dict[str, object]):
    """A database that knows every session."""

    def __contains__(self, _name: object) -> bool:
        return True


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def test_a_session_that_is_refused_does_not_keep_its_bucket_waiting(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        place.put(f"P001/{name}.c3d", b"bytes")
    found = sweeping(place.base)
    create = found.sessions.create

    async def refuse_one(manifest: Mapping[str, Any]) -> bool:
        if manifest["spec"]["recording"]["uri"].endswith("a.c3d"):
            raise SessionRefused("no")
        return await create(manifest)

    monkeypatch.setattr(found.sessions, "create", refuse_one)
    assert await found.sweep.sweep() == 1
