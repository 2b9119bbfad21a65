"""ezc3d reads the recording too, in a process of its own, and what differs is said. It decides nothing.

Its outcome is no part of the summary, which must be the same bytes with and without ezc3d: it goes into the worker's
last words and, by `emg verify`, to whoever asks.
"""

import importlib.util
import subprocess
import sys
from enum import StrEnum

import msgspec

_SECONDS = 30.0


class Verdict(StrEnum):
    """How the two readers agree."""

    EQUAL = "Equal"
    EXPLAINED = "Explained"
    DIFFERENT = "Different"
    NOT_READ = "NotRead"
    NOT_INSTALLED = "NotInstalled"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One difference, and why; None where no known limit of ezc3d explains it. No text from inside the recording."""

    what: str
    why: str | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing came to; `words` are ezc3d's own and may hold anything."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    words: str = ""


def cross_check(data: bytes, *, timeout_s: float = _SECONDS) -> Comparison:
    """Compare emg_core with ezc3d on bytes that emg_core can read."""
    if importlib.util.find_spec("ezc3d") is None:
        return Comparison(verdict=Verdict.NOT_INSTALLED)
    command = [sys.executable, "-m", "emg_worker.second_reader"]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=timeout_s, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return _not_read(f"it had not finished after {timeout_s:g} s")
    except OSError as error:
        return _not_read(f"its process could not be started: {error.strerror}")
    if done.returncode:
        return _not_read(f"it ends its process with {done.returncode}")
    return msgspec.json.decode(done.stdout, type=Comparison)


def _not_read(why: str) -> Comparison:
    return Comparison(verdict=Verdict.NOT_READ, findings=(Finding(what="ezc3d can't read it", why=why),))


def sentence(comparison: Comparison) -> str:
    """Say in one sentence what a comparison came to, without words from inside the recording."""
    match comparison.verdict:
        case Verdict.EQUAL:
            return "ezc3d reads the same samples"
        case Verdict.NOT_INSTALLED:
            return "not compared: ezc3d is not installed"
        case Verdict.EXPLAINED | Verdict.DIFFERENT | Verdict.NOT_READ:
            first = comparison.findings[0]
            more = f" (and {len(comparison.findings) - 1} more)" if len(comparison.findings) > 1 else ""
            return f"{first.what}: {first.why or 'no known reason'}{more}"
