"""Where sessions stand stays told while the cluster is slow or away, and a cluster that refuses is left alone."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest

from emg_api import standings
from emg_api.standings import Standings
from emg_session.errors import ClusterUnavailable
from emg_session.resource import RecordingRef, build_session, build_spec
from tests.support.memory import MemorySessions

RECORDING = RecordingRef(uri="s3://recordings/P001/one.c3d", version="1")


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Asked(MemorySessions):
    """Sessions that are all there; some are not told of in time, and `failure` is what all asking ends with."""

    late: set[str] = field(default_factory=set)
    failure: ClusterUnavailable | None = None
    asked: list[str] = field(default_factory=list)

    async def load(self, name):
        self.asked.append(name)
        if self.failure:
            raise self.failure
        if name in self.late:
            await asyncio.Event().wait()
        manifest = build_session(build_spec(RECORDING, "P001/one.c3d"), namespace="emg")
        self.manifests.setdefault(name, manifest | {"metadata": {"name": name, "namespace": "emg"}})
        return await super().load(name)


@pytest.fixture
def sessions(monkeypatch) -> Asked:
    monkeypatch.setattr(standings, "_SECONDS", 0.1)
    return Asked()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(sessions, clock) -> Standings:
    return Standings(sessions=sessions, clock=clock)


async def test_who_misses_the_second_is_told_what_was_known(told, sessions):
    before = await told.of(["emg-a", "emg-b"])
    sessions.late = {"emg-b"}

    assert await told.of(["emg-a", "emg-b"]) == before
    assert set(before) == {"emg-a", "emg-b"}


async def test_what_was_known_is_told_a_minute_while_the_cluster_is_away(told, sessions, clock):
    before = await told.of(["emg-a"])
    sessions.failure = ClusterUnavailable("the Kubernetes API does not answer")

    clock.now_s += 59
    assert await told.of(["emg-a"]) == before
    clock.now_s += 1
    assert await told.of(["emg-a"]) == {}


async def test_those_of_whom_nothing_is_known_are_asked_for_first(told, sessions):
    await told.of(["emg-a", "emg-b"])
    sessions.asked.clear()
    await told.of(["emg-a", "emg-b", "emg-c"])

    assert sessions.asked[0] == "emg-c"


async def test_a_cluster_that_refuses_is_asked_again_after_a_minute_and_one_line_says_so(told, sessions, clock, caplog):
    sessions.failure = refused = ClusterUnavailable("the Kubernetes API answered 403 Forbidden")
    refused.refused = True
    names = [f"emg-{number}" for number in range(20)]
    with caplog.at_level(logging.WARNING):
        await told.of(names)
        asked_once = len(sessions.asked)
        await told.of(names)

    assert (asked_once <= 8, len(sessions.asked)) == (True, asked_once)
    assert [record.message for record in caplog.records if "get` on emgsessions" in record.message] == caplog.messages
    assert len(caplog.messages) == 1
    sessions.failure = None
    clock.now_s += 60
    assert set(await told.of(names)) == set(names)
