"""Versions of one object, with storage whose word counts and whose clock tells whole seconds."""

from datetime import UTC, datetime
from typing import Any

from emg_session.database import open_summaries
from emg_session.object_order import ObjectOrder
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import SessionSpec, build_session
from tests.apiserver.conftest import BUCKET, Site
from tests.support.operators import started
from tests.support.stand_in import real_work, standing_in
from tests.support.waiting import until_seen, wait_until

KEY = "P001/take.c3d"


def noticed(site: Site, spec: SessionSpec) -> tuple[str, dict[str, Any]]:
    """Return a session's name and manifest; all are of one second."""
    order = ObjectOrder.of(modified_at=datetime(2026, 3, 2, 10, tzinfo=UTC)).to_annotations()
    manifest = build_session(spec, namespace=site.namespace, annotations=order)
    return manifest["metadata"]["name"], manifest


async def test_of_two_uploads_within_a_second_storages_is_analysed_and_the_first_again_when_it_comes_back(
    site: Site, recording: bytes
) -> None:
    first, its_manifest = noticed(site, site.upload(KEY, recording))
    with started(site.operator()):
        site.api.apply(its_manifest)
        wait_until(lambda: site.reasons() == {first: "Queued"}, "the first has a Job, which no node runs yet")
        second, its_manifest = noticed(site, site.upload(KEY, recording + b"\0"))
        site.api.apply(its_manifest)
        wait_until(lambda: site.reasons() == {first: "Superseded", second: "Queued"}, "storage has told them apart")
        site.upload(KEY, recording)
        async with open_summaries(site.database_url, answer_seconds=60) as summaries:
            work = real_work(RecordingStore(Buckets({BUCKET: site.uri})), summaries)
            async with standing_in(site.api.admin, site.namespace, work):
                ends = {first: "Completed", second: "Superseded"}
                await until_seen(lambda: site.reasons() == ends, "the first is analysed after all")
