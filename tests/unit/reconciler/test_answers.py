from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from emg_operator.answers import Answers
from emg_operator.surroundings import NoSummary, NotReadable, Readable
from emg_session.errors import (
    DatabaseUnavailable,
    Failure,
    RecordingChanged,
    RecordingNotThere,
    SchemaMismatch,
    StorageUnavailable,
    UnknownBucket,
)
from emg_session.resource import EMGSession, RecordingRef
from tests.support.sessions import NOW, SPEC, session
from tests.support.simulated import SUMMARY, Clock


class Server:
    """Storage and database in one: it raises what it is told to, and counts how often it is asked."""

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self.asked = 0

    async def load_summary(
        self, _name: str, _recording: RecordingRef, _parameters: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        self._answer()
        return SUMMARY

    async def size(self, _uri: str, _version: str) -> int:
        self._answer()
        return 42

    def _answer(self) -> None:
        self.asked += 1
        if self.failure:
            raise self.failure


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (RecordingNotThere("x"), NotReadable.NOT_THERE),
        (RecordingChanged("x"), NotReadable.OTHER_VERSION),
        (UnknownBucket("x"), NotReadable.REFUSED),
        (StorageUnavailable("x"), NotReadable.UNREACHABLE),
    ],
)
async def test_every_answer_of_storage_is_understood(failure: Failure, state: NotReadable) -> None:
    server = Server()
    answers = Answers(server, server, lambda: NOW)
    assert await answers.object(session()) == Readable(size_bytes=42)
    server.failure = failure
    assert await answers.object(session()) is state


async def test_without_access_to_storage_the_worker_is_left_to_find_out() -> None:
    assert await Answers(Server(), None, lambda: NOW).object(session()) == Readable()


@pytest.mark.parametrize("failure", [DatabaseUnavailable("x"), SchemaMismatch("a migration may be under way")])
async def test_a_database_that_does_not_answer_is_not_asked_again_for_a_moment(failure: Failure) -> None:
    server, clock = Server(), Clock(NOW)
    answers = Answers(server, server, clock.now)
    server.failure = failure
    for _ in range(100):
        assert await answers.database(session()) is NoSummary.UNREACHABLE
    assert server.asked == 1
    clock.advance(5)
    await answers.database(session())
    assert server.asked == 2


def in_bucket(bucket: str) -> EMGSession:
    recording = msgspec.structs.replace(SPEC.recording, uri=f"s3://{bucket}/P001/one.c3d")
    return session(msgspec.structs.replace(SPEC, recording=recording))


async def test_an_outage_of_one_bucket_holds_up_no_other() -> None:
    server = Server()
    answers = Answers(server, server, lambda: NOW)
    server.failure = StorageUnavailable("x")
    await answers.object(in_bucket("away"))
    server.failure = None
    assert await answers.object(in_bucket("away")) is NotReadable.UNREACHABLE
    assert await answers.object(in_bucket("there")) == Readable(size_bytes=42)


async def test_a_refusal_of_storage_is_no_outage() -> None:
    server = Server()
    answers = Answers(server, server, lambda: NOW)
    server.failure = StorageUnavailable("x")
    server.failure.refused = True
    assert await answers.object(session()) is NotReadable.FORBIDDEN
    server.failure = None
    assert await answers.object(session()) == Readable(size_bytes=42)


async def test_a_clock_that_is_set_back_does_not_make_an_outage_last() -> None:
    server, clock = Server(), Clock(NOW)
    answers = Answers(server, server, clock.now)
    server.failure = StorageUnavailable("x")
    await answers.object(session())
    server.failure = None
    clock.advance(-3600)
    assert await answers.object(session()) == Readable(size_bytes=42)
