"""The first recording: made, announced by webhook, analysed and looked at, all through the doors that others use."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from rich.console import Console

from emg_local.notices import Credentials, supabase
from emg_local.place import BUCKET, Place
from emg_local.synth import synthesize, write_recording
from emg_local.tables import print_summary
from emg_local.uploads import UploadedObject
from emg_local.webhook import post_notice
from emg_session.errors import PermanentFailure
from emg_session.status import Reason

_SUBJECT = "P001"
_CHANNEL = "CH1 Raw"
_WINDOW = {"start": "10", "end": "12", "width": "200"}
_PATIENCE_S = 120.0
_LOOK_EVERY_S = 0.05


class DemoFailed(PermanentFailure):
    """The first recording did not come through."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Takes one made-up recording through a running `emg run`; progress goes to `console`."""

    place: Place
    base_url: str
    key: str = field(repr=False)
    console: Console

    async def run(self) -> None:
        """Do it all and show what came of it; raises a Failure saying what did not work."""
        with self.console.status("making a recording") as progress:
            path = await asyncio.to_thread(make_recording, self.place.recordings / _SUBJECT)
            progress.update("announcing it by webhook")
            answer = await self._announce(path)
            await self._wait_for_success(answer["status_url"], progress.update)
            progress.update("fetching its summary and two seconds of signal")
            summary = await self._fetch(f"/sessions/{answer['session_id']}/summary")
            window = await self._fetch(f"/signals/jit/{answer['session_id']}/{quote(_CHANNEL)}", _WINDOW)
        if not window.get("success"):
            raise DemoFailed("no samples came back from the signals API")
        print_summary(summary, self.console)
        self._print_addresses(path, answer)

    async def _announce(self, path: Path) -> dict[str, Any]:
        key = path.relative_to(self.place.recordings).as_posix()
        uploaded = UploadedObject.of_file(path, bucket=BUCKET, key=key, modified_at=datetime.now(UTC))
        posting = supabase(uploaded, Credentials(secret=self.key), uploaded.modified_at)
        answer = await post_notice(self.base_url + posting.path, posting)
        if "session_code" not in answer:
            raise DemoFailed(f"the receiver took the notice but made no session: {answer.get('message')}")
        return answer

    async def _wait_for_success(self, status_url: str, show: Callable[[str], None]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                end = await self._end(status_url, show)
        except TimeoutError as error:
            raise DemoFailed(f"not finished after {_PATIENCE_S:.0f} s: see {self.place.logs}") from error
        if end["status"] != Reason.COMPLETED:
            raise DemoFailed(f"{end['status']}: {end['message']}; see {self.place.logs}")

    async def _end(self, status_url: str, show: Callable[[str], None]) -> dict[str, Any]:
        status = await self._fetch(status_url)
        while not status["finished"]:
            show(f"{status['session_code']}: {status['status']}, {status['message']}")
            await asyncio.sleep(_LOOK_EVERY_S)
            status = await self._fetch(status_url)
        return status

    async def _fetch(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        async with aiohttp.ClientSession() as client, client.get(self.base_url + path, params=query) as response:
            if not response.ok:
                raise DemoFailed(f"GET {path} answered {response.status}: {(await response.text())[:300]}")
            answer: dict[str, Any] = await response.json()
            return answer

    def _print_addresses(self, path: Path, answer: Mapping[str, Any]) -> None:
        session_id = answer["session_id"]
        lines = {
            "recording": path,
            "viewer": f"{self.base_url}/#/sessions/{session_id}",
            "session": f"{self.base_url}/sessions/{session_id}",
            "summary": f"{self.base_url}/sessions/{session_id}/summary",
            "channels": f"{self.base_url}/signals/jit/{session_id}/channels",
        }
        for name, address in lines.items():
            self.console.print(f"{name:<10}{address}", markup=False, highlight=False, soft_wrap=True)


def make_recording(folder: Path) -> Path:
    """Write the next made-up recording of a folder, numbered from 1; each number is another recording."""
    number = 1 + sum(1 for _ in folder.glob("Ghostly_Synthetic_*.c3d"))
    path = folder / f"Ghostly_Synthetic_{number:04}.c3d"
    write_recording(synthesize(seed=number), path)
    return path
