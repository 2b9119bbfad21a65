import asyncio

import pytest

from emg_api.disconnects import StopsWithoutClient
from tests.support.waiting import until


class Client:
    """One end of a connection: what it sends, and what it was sent."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[dict] = asyncio.Queue()
        self.coming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.sent: list[dict] = []

    async def send(self, message: dict) -> None:
        self.sent.append(message)

    def go(self) -> None:
        self.coming.put_nowait({"type": "http.disconnect"})


class Slow:
    """An application that answers once it may; `stopped` where it was cancelled instead."""

    def __init__(self) -> None:
        self.may, self.began, self.stopped = asyncio.Event(), False, False

    async def __call__(self, _scope, _receive, send) -> None:
        self.began = True
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.stopped = True
            raise
        await send({"type": "http.response.start", "status": 200, "headers": []})


def answering(app, client: Client, method: str = "GET") -> "asyncio.Task[None]":
    return asyncio.create_task(
        StopsWithoutClient(app)({"type": "http", "method": method}, client.coming.get, client.send)
    )


async def test_a_client_that_goes_away_stops_the_work():
    app, client = Slow(), Client()
    task = answering(app, client)
    await until(lambda: app.began, "the answer is begun")
    client.go()
    await task
    assert (app.stopped, client.sent) == (True, [])


async def test_a_client_that_stays_is_answered():
    app, client = Slow(), Client()
    task = answering(app, client)
    app.may.set()
    await task
    assert [message["status"] for message in client.sent] == [200]


async def test_a_notice_is_worked_on_though_its_sender_has_gone():
    app, client = Slow(), Client()
    task = answering(app, client, method="POST")
    client.go()
    app.may.set()
    await task
    assert (app.stopped, len(client.sent)) == (False, 1)


async def test_what_goes_wrong_is_told_as_without_it():
    async def broken(_scope, _receive, _send) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await answering(broken, Client())


async def test_a_server_that_stops_stops_the_work():
    app = Slow()
    task = answering(app, Client())
    await until(lambda: app.began, "the answer is begun")
    task.cancel()
    await asyncio.wait([task])
    assert app.stopped
