"""`emg verify`: two readers, one recording."""

import asyncio
from collections.abc import Iterator

import emg_core
import msgspec

from emg_cli.opening import open_recording
from emg_cli.output import AsJson, print_bytes, print_json
from emg_session.core_errors import core_errors
from emg_session.errors import InvalidSettings
from emg_worker.cross_check import Comparison, Verdict, cross_check


def verify(source: str, *, json: AsJson = False) -> int:
    """Compare the samples of a recording with what ezc3d reads, and say where and why they differ.

    Ends with 0 if they are equal within 1e-6 of each channel's maximum, if a known limit of ezc3d explains every
    difference, or if ezc3d can't read it at all; else with 1.

    Parameters
    ----------
    source
        A C3D file, or a URI in a bucket of EMG_BUCKETS.
    json
        Print it as JSON.
    """
    data = asyncio.run(open_recording(source).read()).data
    with core_errors():
        channels = len(emg_core.open(data).channels)
    compared = cross_check(data)
    if compared.verdict is Verdict.NOT_INSTALLED:
        raise InvalidSettings("ezc3d is not installed: pip install 'emg-operator[local]' brings it")
    if json:
        print_json({"channels": channels} | msgspec.structs.asdict(compared))
    else:
        print_bytes("\n".join(_lines(compared, channels)).encode())
    return int(compared.verdict is Verdict.DIFFERENT)


def _lines(compared: Comparison, channels: int) -> Iterator[str]:
    yield f"{compared.verdict}: {channels} channels, tolerance 1e-6 of each channel's maximum"
    for finding in compared.findings:
        yield f"  {finding.what}: {finding.why or 'no known reason'}"
    if compared.words:
        yield f"  ezc3d's words: {' '.join(compared.words.split())}"
