"""Whatever order and number notices come in, at once or not: one session an object version, and the newest is known."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from emg_api.adapters.notice import Ignored, Notice
from emg_api.intake import Accepted, Intake
from emg_api.metrics import Metrics
from emg_api.senders import build_senders
from emg_session.object_order import ObjectOrder
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import session_name
from tests.support.memory import MemorySessions, MemorySummaries
from tests.support.senders import GOOGLE, SENDER_SETTINGS

KEY = "P001/one.c3d"
NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)

# What happens: the next version is uploaded (None), or these earlier ones are told of, all at once.
TOLD = st.lists(st.integers(0, 9), min_size=1, max_size=6)
HISTORIES = st.lists(st.none() | TOLD, min_size=1, max_size=8)


class Place:
    """A bucket of one object that is overwritten, and an intake that hears of it."""

    def __init__(self, folder: Path, *, counting: bool) -> None:
        self.object = folder / KEY
        self.object.parent.mkdir(parents=True)
        self.counting = counting
        self.versions: list[str] = []
        buckets = Buckets({"recordings": folder.as_uri()})
        self.recordings = RecordingStore(buckets)
        self.uri = buckets.uri("recordings", KEY)
        self.sessions = MemorySessions()
        self.intake = Intake(
            sessions=self.sessions,
            recordings=self.recordings,
            summaries=MemorySummaries(),
            buckets=buckets,
            namespace="emg",
            metrics=Metrics(),
        )
        self.sender = build_senders(SENDER_SETTINGS, GOOGLE.fetch)["s3"]

    async def upload(self) -> None:
        """Overwrite the object, a second after the last time."""
        number = len(self.versions)
        self.object.write_bytes(b"no C3D, which is no matter here" * (number + 1))
        written_at = (NOON + timedelta(seconds=number)).timestamp()
        os.utime(self.object, (written_at, written_at))
        self.versions.append((await self.recordings.read(self.uri)).version)

    async def tell(self, numbers: list[int]) -> None:
        """Tell of versions, in one request and in one each, all at once."""
        notices = [self.notice(number % len(self.versions)) for number in numbers]
        await asyncio.gather(
            self.intake.take(self.sender, notices),
            *(self.intake.take(self.sender, [notice]) for notice in notices),
        )

    def notice(self, number: int) -> Notice:
        sequence = ("s3", f"{number:016X}") if self.counting else None
        return Notice(bucket="recordings", key=KEY, version=self.versions[number], size_bytes=1, sequence=sequence)

    def orders(self) -> dict[str, ObjectOrder]:
        """Return every session's place among the versions."""
        annotations = {name: body["metadata"]["annotations"] for name, body in self.sessions.manifests.items()}
        return {name: ObjectOrder.from_annotations(noted) for name, noted in annotations.items()}


@given(history=HISTORIES, last=TOLD, counting=st.booleans())
async def test_every_version_has_one_session_and_the_newest_supersedes_the_others(
    tmp_path_factory, history, last, counting
):
    place = Place(tmp_path_factory.mktemp("bucket"), counting=counting)
    await place.upload()
    for numbers in history:
        await (place.upload() if numbers is None else place.tell(numbers))
    await place.tell(last)

    newest = session_name(place.uri, place.versions[-1])
    orders = place.orders()
    assert newest in orders
    assert set(orders) <= {session_name(place.uri, version) for version in place.versions}
    others = [order for name, order in orders.items() if name != newest]
    assert all(orders[newest].is_newer_than(order) and not order.is_newer_than(orders[newest]) for order in others)


@given(numbers=TOLD, late=st.lists(st.sampled_from([0, 1, 2]), min_size=3, max_size=3))
async def test_versions_that_can_not_be_read_have_a_session_each_and_the_senders_count_decides(
    tmp_path_factory, numbers, late
):
    place = Place(tmp_path_factory.mktemp("bucket"), counting=True)
    place.versions = ["a", "b", "c"]
    await asyncio.gather(*(place.tell([number]) for number in [*numbers, *late, 0, 1, 2]))

    orders = place.orders()
    names = [session_name(place.uri, version) for version in place.versions]
    assert set(orders) == set(names)
    assert orders[names[2]].is_newer_than(orders[names[1]])
    assert orders[names[1]].is_newer_than(orders[names[0]])


async def test_of_several_versions_in_one_request_the_newest_is_taken(tmp_path):
    place = Place(tmp_path, counting=True)
    place.versions = ["a", "b"]

    outcomes = await place.intake.take(place.sender, [place.notice(1), place.notice(0), place.notice(1)])

    assert [type(outcome) for outcome in outcomes] == [Accepted, Ignored, Accepted]
    assert set(place.sessions.manifests) == {session_name(place.uri, "b")}
