"""A client that goes away stops the work for it."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Their requests have no body, so nothing but the end of the connection can come any more.
_WITHOUT_BODY = {"GET", "HEAD"}


class StopsWithoutClient:
    """ASGI middleware: cancels the answer to a GET or HEAD whose client has gone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, unless the client goes first."""
        if scope["type"] != "http" or scope["method"] not in _WITHOUT_BODY:
            await self.app(scope, receive, send)
            return
        answering = asyncio.ensure_future(self.app(scope, _never, send))
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
        finally:
            gone.cancel()
            answering.cancel()
            await asyncio.wait((answering,))


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _never() -> Message:
    """Stand in for a client of whom nothing comes: who waits for its end is cancelled instead."""
    coming: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await coming
