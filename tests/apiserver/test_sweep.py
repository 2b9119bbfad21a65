"""No receiver runs at all: what lies in storage is analysed all the same."""

from emg_session.database import open_summaries
from emg_session.recordings import Buckets, RecordingStore
from tests.apiserver.conftest import BUCKET, Site
from tests.support.operators import started
from tests.support.stand_in import real_work, standing_in
from tests.support.waiting import until_seen

RECORDINGS = 20


async def test_twenty_recordings_that_nobody_announced_get_twenty_results(site: Site, recording: bytes) -> None:
    for number in range(RECORDINGS):
        site.s3.put(site.bucket, f"P{number:03}/take.c3d", recording + b"\0" * number)
    store = RecordingStore(Buckets({BUCKET: site.uri}))
    operator = site.operator(EMG_SWEEP_SECONDS="1", EMG_SWEEP_SETTLE_SECONDS="0")
    async with open_summaries(site.database_url, answer_seconds=60) as summaries:
        work = real_work(store, summaries)
        async with standing_in(site.api.admin, site.namespace, work) as node:
            with started(operator):
                await until_seen(lambda: [*site.reasons().values()] == ["Completed"] * RECORDINGS, "all are done")
                assert operator.metric("emg_operator_sweep_finds_total") == RECORDINGS
        stored = await summaries.list_sessions(100)
    assert len([session for session in stored if session.analyzed]) == RECORDINGS
    assert set(node.starts.values()) == {1}
