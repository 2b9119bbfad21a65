"""What connections tell: writes by kind and outcome, and how long watches have been silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from emg_operator.metrics import Metrics, WriteKind, WriteOutcome
from emg_operator.traffic import WatchStreams, kind_of, outcome_of, writes_counted
from tests.support.waiting import until

NAMESPACED = "/apis/emg.ghostly/v1alpha1/namespaces/emg"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def serving(handler: object) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/emgsessions", WriteKind.SESSION),
        ("/emgsessions/emg-a", WriteKind.SESSION),
        ("/emgsessions/emg-a/status", WriteKind.STATUS),
        ("/emgsessions/status", WriteKind.SESSION),
        ("/jobs/emgsessions", WriteKind.JOB),
        ("/leases/emg-operator", WriteKind.LEASE),
        ("/events", WriteKind.EVENT),
        ("/secrets/jobs", WriteKind.OTHER),
    ],
)
def test_a_write_is_known_by_its_address_whatever_an_object_is_called(path: str, kind: WriteKind) -> None:
    assert kind_of(URL(f"https://10.0.0.1{NAMESPACED}{path}")) is kind


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, WriteOutcome.DONE),
        (409, WriteOutcome.CONFLICT),
        (429, WriteOutcome.THROTTLED),
        (403, WriteOutcome.REFUSED),
        (503, WriteOutcome.FAILED),
    ],
)
def test_a_writes_outcome_is_its_status(status: int, outcome: WriteOutcome) -> None:
    assert outcome_of(status) is outcome


async def answer(_request: web.Request) -> web.Response:
    return web.json_response({})


async def test_reads_are_not_counted_and_a_server_that_is_away_is_a_failed_write() -> None:
    metrics = Metrics()
    async with aiohttp.ClientSession(trace_configs=[writes_counted(metrics)]) as client:
        async with serving(answer) as url:
            await client.get(f"{url}{NAMESPACED}/jobs")
            await client.post(f"{url}{NAMESPACED}/jobs")
        with pytest.raises(aiohttp.ClientError):
            await client.post(f"{url}{NAMESPACED}/jobs")
    counted = {
        outcome: metrics.registry.get_sample_value(
            "emg_operator_api_writes_total", {"kind": "job", "outcome": outcome.value}
        )
        for outcome in WriteOutcome
    }
    assert {outcome: number for outcome, number in counted.items() if number} == {
        WriteOutcome.DONE: 1.0,
        WriteOutcome.FAILED: 1.0,
    }


async def test_a_watch_is_as_old_as_its_last_byte_be_it_only_a_bookmark() -> None:
    clock, more = Clock(), asyncio.Event()
    streams = WatchStreams(["jobs"], clock=clock)

    async def watch(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await more.wait()
        await response.write(b'{"type": "BOOKMARK"}\n')
        await asyncio.Event().wait()
        return response

    async with (
        serving(watch) as url,
        aiohttp.ClientSession(trace_configs=[streams.trace()]) as client,
        client.get(f"{url}{NAMESPACED}/jobs", params={"watch": "true"}),
    ):
        clock.now += 66
        streams.look()
        assert (streams.age_s("jobs"), streams.silent()) == (66, ["jobs"])
        more.set()
        await until(lambda: streams.look() or streams.age_s("jobs") == 0, "the bookmark is heard")
        assert streams.silent() == []


def test_a_watch_that_was_never_answered_grows_old_from_the_start() -> None:
    clock = Clock()
    streams = WatchStreams(["jobs", "pods"], clock=clock)
    clock.now += 66
    assert streams.silent() == ["jobs", "pods"]
    streams.start()
    assert streams.silent() == []
