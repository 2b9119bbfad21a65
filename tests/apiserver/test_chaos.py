"""The operator is killed again and again while sessions run: every one succeeds, and none is worked on twice.

CI kills it a few times; `make chaos` as often as EMG_CHAOS_KILLS and EMG_CHAOS_SESSIONS say.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from typing import Any

from emg_session.database import open_summaries
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import build_session
from tests.apiserver.conftest import BUCKET, Site
from tests.support.operators import Operator, started
from tests.support.stand_in import real_work, standing_in
from tests.support.waiting import until_seen

KILLS = int(os.environ.get("EMG_CHAOS_KILLS", "5"))
SESSIONS = int(os.environ.get("EMG_CHAOS_SESSIONS", "20"))
LONGEST_LIFE_S = 4.0


async def test_every_session_succeeds_once_however_often_the_operator_is_killed(site: Site, recording: bytes) -> None:
    dice = random.Random(SESSIONS)
    manifests = upload(site, recording)
    async with open_summaries(site.database_url, answer_seconds=60) as summaries:
        work = real_work(RecordingStore(Buckets({BUCKET: site.uri})), summaries)
        async with standing_in(site.api.admin, site.namespace, work, at_once=2) as node:
            with started(site.operator()) as operator:
                for number in range(KILLS):
                    site.api.apply(*manifests[number::KILLS])
                    await kill_at_random(operator, dice)
                await until_seen(lambda: set(site.reasons().values()) == {"Completed"}, "all sessions have ended")
        stored = await summaries.list_sessions(SESSIONS + 1)
    assert Counter(site.reasons().values()) == {"Completed": SESSIONS}
    assert Counter(node.starts.values()) == {1: SESSIONS}
    assert jobs_per_session(site) == {1: SESSIONS}
    assert len([session for session in stored if session.analyzed]) == SESSIONS


def upload(site: Site, recording: bytes) -> list[dict[str, Any]]:
    """Put recordings into storage and return the sessions that a receiver would make of them."""
    specs = [site.upload(f"P{number:03}/take.c3d", recording + b"\0" * number) for number in range(SESSIONS)]
    return [build_session(spec, namespace=site.namespace) for spec in specs]


async def kill_at_random(operator: Operator, dice: random.Random) -> None:
    await asyncio.sleep(dice.uniform(0, LONGEST_LIFE_S))
    await asyncio.to_thread(operator.end, signal.SIGKILL)
    operator.start()


def jobs_per_session(site: Site) -> Counter[int]:
    jobs = site.api.items("jobs", site.namespace)
    return Counter(Counter(job["metadata"]["labels"]["emg.ghostly/session"] for job in jobs).values())
