"""One made-up recording through an installation, by the doors that storage and people use; each step has a name."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from emg_local.notices import NOTICES, Credentials
from emg_local.synth import synthesize, write_recording
from emg_local.uploads import UploadedObject
from emg_local.webhook import post_notice
from emg_session.errors import Failure, PermanentFailure, StorageUnavailable
from emg_session.recordings import Buckets
from emg_session.status import Reason

_CHANNEL = "CH1 Raw"
_WINDOW = {"start": "10", "end": "12", "width": "200"}
_LOOK_EVERY_S = 0.2
_PATIENCE_S = 300.0

Report = Callable[[str], None]


class TrialFailed(PermanentFailure):
    """A step of the trial did not work."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads from the signals API, with a token where it asks for one."""

    base_url: str
    token: str = ""

    async def summary(self, session: str) -> dict[str, Any]:
        """Return a session's summary; raises TrialFailed."""
        return await self._fetch(f"/sessions/{quote(session)}/summary")

    async def window(self, session: str) -> dict[str, Any]:
        """Return two seconds of the first channel; raises TrialFailed."""
        return await self._fetch(f"/signals/jit/{quote(session)}/{quote(_CHANNEL)}", _WINDOW)

    async def _fetch(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await fetched(self.base_url.rstrip("/") + path, headers, query)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is tried: a bucket, a receiver and what its sender signs with."""

    buckets: Buckets
    bucket: str
    receiver: str
    sender: str
    credentials: Credentials
    report: Report

    async def post(self, folder: Path) -> dict[str, Any]:
        """Make a recording, upload it, and post its notice; return the receiver's answer. Raises TrialFailed."""
        path = folder / "trial.c3d"
        now = datetime.now(UTC)
        key = f"P000/trial-{now:%Y%m%d-%H%M%S-%f}.c3d"
        async with self._step("making a recording"):
            # Another one each time, or the database would have its result already.
            await asyncio.to_thread(lambda: write_recording(synthesize(seed=now.microsecond), path))
        async with self._step(f"uploading it as {key}"):
            await self._upload(key, path)
        async with self._step(f"posting the notice of {self.sender} to {self.receiver}"):
            uploaded = UploadedObject.of_file(path, bucket=self.bucket, key=key, modified_at=now)
            posting = NOTICES[self.sender](uploaded, self.credentials, now)
            answer = await post_notice(self.receiver.rstrip("/") + posting.path, posting)
            if "session_code" not in answer:
                raise TrialFailed(f"the receiver made no session of it: {answer.get('message')}")
            return answer

    async def await_end(self, status_path: str) -> None:
        """Wait until the session has ended well; raises TrialFailed."""
        async with self._step("waiting for the analysis"):
            status = await asyncio.wait_for(self._end(self.receiver.rstrip("/") + status_path), _PATIENCE_S)
            if status["status"] != Reason.COMPLETED:
                raise TrialFailed(f"it ended as {status['status']}: {status['message']}")

    async def read(self, reader: Reader, session: str) -> dict[str, Any]:
        """Read the summary and a window; return the summary. Raises TrialFailed."""
        async with self._step("reading the summary"):
            summary = await reader.summary(session)
        async with self._step("reading a window of two seconds"):
            if not (await reader.window(session)).get("success"):
                raise TrialFailed("no samples came back")
        return summary

    async def _end(self, address: str) -> dict[str, Any]:
        status = await fetched(address)
        while not status["finished"]:
            await asyncio.sleep(_LOOK_EVERY_S)
            status = await fetched(address)
        return status

    async def _upload(self, key: str, path: Path) -> None:
        try:
            store = from_url(self.buckets.uris[self.bucket], client_options={"allow_http": True})
            await obstore.put_async(store, key, path)
        except (BaseError, OSError) as error:
            advice = (
                "check AWS_ENDPOINT_URL, and that the AWS_… keys may write; or upload by your own means: `emg send`"
            )
            raise StorageUnavailable(f"storage does not take it ({type(error).__name__}); {advice}") from error

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[None]:
        self.report(name)
        try:
            yield
        except TimeoutError as error:
            raise TrialFailed(f"failed while {name}: not done after {_PATIENCE_S:.0f} s") from error
        except Failure as failure:
            raise TrialFailed(f"failed while {name}: {failure}") from failure


async def fetched(
    address: str, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """GET JSON; raises TrialFailed saying what was answered instead."""
    try:
        async with aiohttp.ClientSession() as client, client.get(address, headers=headers, params=query) as response:
            if not response.ok:
                text = " ".join((await response.text())[:300].split())
                raise TrialFailed(f"GET {address} answered {response.status}: {text}")
            answer: dict[str, Any] = await response.json()
            return answer
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TrialFailed(f"{address} does not answer ({type(error).__name__})") from error
