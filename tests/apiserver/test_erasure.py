"""An erasure, from the command line to the API server: the sessions go, now or once the operator is back."""

import json
import subprocess
import sys
from pathlib import Path

from emg_session.database import open_summaries
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import build_session
from tests.apiserver.conftest import BUCKET, Site
from tests.support.operators import started
from tests.support.stand_in import real_work, standing_in
from tests.support.waiting import until_seen

EMG = Path(sys.executable).with_name("emg")


def erase(site: Site, subject: str) -> dict:
    command = [EMG, "erase", "--subject", subject, "--reason", "consent withdrawn", "--recordings"]
    env = {"EMG_DATABASE_URL": site.database_url, "EMG_BUCKETS": json.dumps({BUCKET: site.uri}), **site.s3.env()}
    answer: dict = json.loads(subprocess.run(command, env=env, check=True, capture_output=True, timeout=600).stdout)
    return answer


def subjects(site: Site) -> list[str]:
    return sorted(session["spec"]["subject"] for session in site.api.items("emgsessions", site.namespace))


async def test_an_erased_subjects_sessions_and_recordings_go_and_the_sweep_brings_none_back(
    site: Site, recording: bytes
) -> None:
    for key in ("P001/one.c3d", "P001/two.c3d", "P002/one.c3d"):
        site.s3.put(site.bucket, key, recording)
    operator = site.operator(EMG_SWEEP_SECONDS="1", EMG_SWEEP_SETTLE_SECONDS="0")
    store = RecordingStore(Buckets({BUCKET: site.uri}))
    async with open_summaries(site.database_url, answer_seconds=60) as summaries:
        work = real_work(store, summaries)
        async with standing_in(site.api.admin, site.namespace, work):
            with started(operator):
                await until_seen(lambda: [*site.reasons().values()] == ["Completed"] * 3, "all are done")
                receipt = erase(site, "P001")
                await until_seen(lambda: subjects(site) == ["P002"], "the erased sessions are gone")
        listed = await summaries.list_sessions(10)
    assert (receipt["rows"]["sessions"], receipt["recordings_deleted"]) == (2, 2)
    assert [session.subject for session in listed] == ["P002"]


async def test_an_operator_that_was_away_removes_them_when_it_is_back(site: Site, recording: bytes) -> None:
    for key in ("P001/one.c3d", "P002/one.c3d"):
        site.api.apply(build_session(site.upload(key, recording), namespace=site.namespace))
    erase(site, "P001")
    with started(site.operator()):
        await until_seen(lambda: subjects(site) == ["P002"], "the erased session is gone")
