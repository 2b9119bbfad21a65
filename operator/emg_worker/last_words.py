"""What the worker says: on stderr, and in the file whose content Kubernetes keeps however the worker ends."""

import re
import sys
import time
from pathlib import Path

from emg_session.contract import TerminationMessage

_PROCESS = Path("/proc/self/status")
_LARGEST_KIB = re.compile(r"VmHWM:\s+(\d+) kB")


class LastWords:
    """Lines with the milliseconds since the start; every one is written down at once, as it may be the last.

    They hold sizes and times, never anything from inside a recording.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started = time.monotonic()
        self._log: list[str] = []

    def say(self, line: str) -> None:
        """Say how far the work has come."""
        self._log.append(f"+{(time.monotonic() - self._started) * 1000:.0f} ms: {line}")
        sys.stderr.write(f"emg_worker: {self._log[-1]}\n")
        self._write(TerminationMessage(message=f"ended by force after: {line}", log=tuple(self._log)))

    def end(self, exit_code: int, message: str) -> None:
        """Say how the work ended."""
        sys.stderr.write(f"emg_worker: {message}\n")
        self._write(TerminationMessage(exit_code=exit_code, message=message, used_mib=used_mib(), log=tuple(self._log)))

    def _write(self, words: TerminationMessage) -> None:
        self._path.write_bytes(words.to_bytes())


def used_mib(process: Path = _PROCESS) -> int | None:
    """Return the most memory this process ever held, in MiB, rounded up; None where the system does not tell."""
    try:
        largest = _LARGEST_KIB.search(process.read_text())
    except OSError:
        return None
    return -(-int(largest[1]) // 1024) if largest else None
