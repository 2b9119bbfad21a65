"""Two readers on one recording: every difference is said, none is a crash."""

import subprocess
import sys
from dataclasses import replace

import emg_core
import numpy as np
import pytest

from emg_worker.cross_check import Comparison, Finding, Verdict, cross_check, sentence
from emg_worker.second_reader import Second, compare, findings
from tests.support.needs import shared_data
from tests.support.recordings import synthetic_recording


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synthetic_recording(tmp_path_factory.mktemp("recordings")).read_bytes()


def second(data: bytes) -> tuple[emg_core.Recording, Second]:
    """Return a recording and a second reader that has the same of it."""
    recording = emg_core.open(data)
    values = {"POINT": {"USED": {"value": [1]}}, "ANALOG": {"RATE": {"value": [990.0]}}}
    samples = np.array([channel.samples for channel in recording.channels])
    return recording, Second(samples=samples, parameters=values)


def test_a_recording_both_read_alike_is_equal(data: bytes) -> None:
    assert cross_check(data) == Comparison(verdict=Verdict.EQUAL)


# Each is a limit of ezc3d 1.7 and the file that shows it.
KNOWN = {
    "real/btk/shd01.c3d": (Verdict.EXPLAINED, "absolute value of an int16"),
    "synthetic/syn_unsigned_int16_intel.c3d": (Verdict.EXPLAINED, "UNSIGNED samples as signed"),
    "synthetic/syn_long_trial.c3d": (Verdict.EXPLAINED, "all that the last block holds"),
    "synthetic/syn_dec_reserved.c3d": (Verdict.EXPLAINED, "reserved operand"),
    "real/c3d.org/sample28/standing.C3D": (Verdict.EXPLAINED, "ANALOG:RATE is missing"),
    "real/c3d.org/sample27/kyowadengyo.c3d": (Verdict.EXPLAINED, "12 points of POINT:USED, the header for 11"),
    "corrupt/cor_Eb015pi_datablock0.c3d": (Verdict.EXPLAINED, "does not look for the data start"),
    "real/c3d.org/sample01/Eb015si.c3d": (Verdict.NOT_READ, "raises RuntimeError"),
    "real/c3d.org/sample13/Dance.c3d": (Verdict.NOT_READ, "raises ValueError"),
    "synthetic/syn_missing_scale.c3d": (Verdict.NOT_READ, "ends its process with -11"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_limit_of_ezc3d_is_the_reason(name: str) -> None:
    verdict, why = KNOWN[name]
    compared = cross_check((shared_data("c3d") / name).read_bytes())
    assert compared.verdict is verdict
    assert all(why in str(finding.why) for finding in compared.findings)


def test_a_value_that_nothing_explains_is_different(data: bytes) -> None:
    recording, same = second(data)
    same.samples[2, 5] += 1e-3
    found = findings(recording, same, points=1)
    assert [finding.why for finding in found] == [None]
    assert found[0].what.startswith("channel 2 differs in 0.0% of its samples, by ")
    assert found[0].what.endswith(", first in sample 5")


def test_differences_within_the_tolerance_are_none(data: bytes) -> None:
    recording, same = second(data)
    largest = np.abs(same.samples).max(axis=1, keepdims=True)
    assert findings(recording, replace(same, samples=same.samples + 0.99e-6 * largest), points=1) == []


def test_a_missing_channel_and_missing_samples_are_told(data: bytes) -> None:
    recording, same = second(data)
    found = findings(recording, replace(same, samples=same.samples[:3, :-1]), points=1)
    n = same.samples.shape[1]
    expected = ["ezc3d has 3 channels, not 4", f"ezc3d has {n - 1} samples per channel, not {n}"]
    assert found == [Finding(what=what) for what in expected]


def test_bytes_that_are_no_recording_are_refused_as_ever() -> None:
    with pytest.raises(emg_core.C3dError):
        compare(b"")


def test_a_reader_that_takes_too_long_is_stopped(data: bytes) -> None:
    compared = cross_check(data, timeout_s=0.001)
    assert (compared.verdict, compared.findings[0].why) == (Verdict.NOT_READ, "it had not finished after 0.001 s")


def test_without_ezc3d_nothing_is_compared(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    assert cross_check(data) == compare(data) == Comparison(verdict=Verdict.NOT_INSTALLED)


def test_a_worker_that_does_not_compare_imports_nothing_for_it() -> None:
    script = "import sys, emg_worker.__main__; sys.exit(len({'ezc3d', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_sentence_tells_the_first_difference_and_how_many_more() -> None:
    two = Comparison(
        verdict=Verdict.DIFFERENT, findings=(Finding(what="a"), Finding(what="b", why="c")), words="secret"
    )
    assert sentence(two) == "a: no known reason (and 1 more)"
    assert sentence(Comparison(verdict=Verdict.EQUAL)) == "ezc3d reads the same samples"
