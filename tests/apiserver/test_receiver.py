"""The receiver as a process with a real API server, database and storage."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import httpx2
import psycopg
import pytest
from kubernetes.aio import client, config

from emg_local.notices import NOTICES
from emg_local.uploads import UploadedObject
from emg_session.errors import SessionRefused
from emg_session.resource import build_session
from emg_session.sessions import KubernetesSessions
from tests.apiserver.conftest import BUCKET, Site
from tests.support.receivers import WebProcess, receiving
from tests.support.s3 import free_port
from tests.support.senders import OPTIONS, SECRETS, credentials
from tests.support.sessions import SPEC

OBJECTS, TIMES = 8, 6
NAMES = [name for name in NOTICES if not name.startswith("gcs")]  # whose tokens need Google's keys


@contextmanager
def receiver(site: Site, **changes: str) -> Iterator[WebProcess]:
    account = site.api.account(site.namespace, "emg-receiver")
    if port := changes.pop("api_port", None):
        account = site.api.moved(account, int(port))
    settings = {
        "EMG_NAMESPACE": site.namespace,
        "EMG_DATABASE_URL": site.database_url,
        "EMG_BUCKETS": json.dumps({BUCKET: site.uri}),
        "EMG_WEBHOOK_SECRETS": json.dumps(SECRETS),
        "EMG_SENDERS": json.dumps({name: OPTIONS[name] for name in ("s3", "cloudevents")}),
        **site.s3.env(),
    }
    with receiving(account, site.folder / "receiver.log", settings | changes) as running:
        yield running


async def tell(web: httpx2.AsyncClient, key: str, name: str = "supabase") -> httpx2.Response:
    uploaded = UploadedObject(bucket=BUCKET, key=key, size_bytes=1, md5="ab" * 16, modified_at=datetime.now(UTC))
    posting = NOTICES[name](uploaded, credentials(name.partition(".")[0]), uploaded.modified_at)
    return await web.post(posting.path, content=posting.body, headers=posting.headers)


def web_of(running: WebProcess) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=running.url, timeout=300)


def names(site: Site) -> list[str]:
    return sorted(session["metadata"]["name"] for session in site.api.items("emgsessions", site.namespace))


def rows(site: Site) -> int:
    with psycopg.connect(site.database_url) as connection:
        found = connection.execute("SELECT count(*) FROM therapy_sessions").fetchone()
    return int(found[0]) if found else 0


async def test_notices_told_many_times_at_once_and_by_several_senders_are_one_session_an_object(
    site: Site, recording: bytes
) -> None:
    keys = [f"P{number:03}/é take.c3d" for number in range(OBJECTS)]
    for number, key in enumerate(keys):
        site.s3.put(site.bucket, key, recording + bytes(number))
    with receiver(site) as running:
        async with web_of(running) as web:
            told = itertools.product(keys, NAMES[:TIMES])
            answers = [
                (a.status_code, a.json()) for a in await asyncio.gather(*itertools.starmap(partial(tell, web), told))
            ]
    created = [answer["session_code"] for _, answer in answers if answer["created"]]
    assert {status for status, _ in answers} == {202}
    assert sorted(created) == names(site)
    assert len(created) == OBJECTS == rows(site)


async def test_without_kubernetes_nothing_is_half_done_and_the_sender_comes_again(site: Site, recording: bytes) -> None:
    site.s3.put(site.bucket, "P001/take.c3d", recording)
    with receiver(site, api_port=str(free_port("127.0.0.1"))) as running:
        async with web_of(running) as web:
            answer = await tell(web, "P001/take.c3d")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (site.api.items("emgsessions", site.namespace), rows(site)) == ([], 0)


async def test_without_the_database_a_notice_is_accepted(site: Site, recording: bytes) -> None:
    site.s3.put(site.bucket, "P001/take.c3d", recording)
    nowhere = f"postgresql://emg@127.0.0.1:{free_port('127.0.0.1')}/emg"
    with receiver(site, EMG_DATABASE_URL=nowhere) as running:
        async with web_of(running) as web:
            answer = await tell(web, "P001/take.c3d")
    assert answer.status_code == 202
    assert answer.json()["metadata"]["channels"]
    assert names(site) == [answer.json()["session_code"]]


async def test_without_storage_the_senders_word_is_enough(site: Site) -> None:
    with receiver(site, AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port('127.0.0.1')}") as running:
        async with web_of(running) as web:
            answer = await tell(web, "P001/take.c3d", "s3")
    assert answer.status_code == 202
    (session,) = site.api.items("emgsessions", site.namespace)
    assert session["spec"]["recording"] == {
        "uri": f"{site.uri}/P001/take.c3d",
        "version": "ab" * 16,
        "sizeBytes": 1,
    }
    assert session["metadata"]["annotations"]["emg.ghostly/object-order"].startswith("s3:")


async def test_nothing_from_inside_a_recording_is_logged_or_told_kubernetes(site: Site, recording: bytes) -> None:
    site.s3.put(site.bucket, "P001/take.c3d", recording)
    with receiver(site) as running:
        async with web_of(running) as web:
            await tell(web, "P001/take.c3d")
            log = running.log.read_text()
    assert b"Synthetic Player" in recording
    assert "Synthetic" not in log + json.dumps(site.api.items("emgsessions", site.namespace))


@pytest.mark.parametrize(("field", "wrong"), [("subject", "no subject!"), ("recording", "\0"), ("recording", "\x85")])
async def test_a_session_that_breaks_the_definition_is_refused_for_good(site: Site, field: str, wrong: str) -> None:
    configuration = client.Configuration()
    account = site.api.account(site.namespace, "emg-receiver")
    await config.load_kube_config(config_file=str(account), client_configuration=configuration)
    manifest = build_session(SPEC, namespace=site.namespace)
    manifest["spec"][field] = {"uri": f"s3://recordings/{wrong}", "version": "1"} if field == "recording" else wrong
    async with client.ApiClient(configuration) as api:
        sessions = KubernetesSessions(client.CustomObjectsApi(api), site.namespace)
        with pytest.raises(SessionRefused, match=r"refuses the session \(422\)"):
            await sessions.create(manifest)
