"""What a finished session takes up in etcd, where thousands of them lie for a week."""

import json

from emg_session.database import open_summaries
from emg_session.recordings import Buckets, RecordingStore
from tests.apiserver.conftest import BUCKET, Site
from tests.apiserver.test_receiver import receiver, tell, web_of
from tests.support.operators import started
from tests.support.stand_in import real_work, standing_in
from tests.support.waiting import until_seen

MOST_BYTES = 4096
MOST_BYTES_OF_WRITERS = 2560  # which field was written by whom, as the API server notes it


async def test_a_session_stays_under_four_kibibytes_beside_what_the_api_server_notes_of_its_writers(
    site: Site, recording: bytes
) -> None:
    site.s3.put(site.bucket, "P001/Ghostly_Emg_20230321_17-23-09-0409.c3d", recording)
    async with open_summaries(site.database_url, answer_seconds=60) as summaries:
        work = real_work(RecordingStore(Buckets({BUCKET: site.uri})), summaries)
        async with standing_in(site.api.admin, site.namespace, work):
            with receiver(site) as running, started(site.operator()):
                async with web_of(running) as web:
                    (await tell(web, "P001/Ghostly_Emg_20230321_17-23-09-0409.c3d", "s3")).raise_for_status()
                await until_seen(lambda: [*site.reasons().values()] == ["Completed"], "it is analysed")
    path = f"/apis/emg.ghostly/v1alpha1/namespaces/{site.namespace}/emgsessions"
    (stored,) = json.loads(site.api.kubectl("get", "--raw", path))["items"]
    writers = stored["metadata"].pop("managedFields")
    assert size_bytes(stored) < MOST_BYTES
    assert size_bytes(writers) < MOST_BYTES_OF_WRITERS


def size_bytes(part: object) -> int:
    return len(json.dumps(part, separators=(",", ":")))
