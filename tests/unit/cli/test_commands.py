import csv
import json
import subprocess
import sys
from pathlib import Path

import emg_core
import numpy as np
import pytest

from emg_cli.app import COMMANDS
from emg_cli.kubectl.app import COMMANDS as KUBECTL_COMMANDS
from tests.support.needs import shared_data
from tests.support.recordings import synthetic_recording

EMG = Path(sys.executable).with_name("emg")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder") / "P001 ü"
    return synthetic_recording(folder)


def emg(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([EMG, *map(str, arguments)], check=False, capture_output=True, env=env or {}, timeout=600)


def test_probe_prints_the_metadata_of_the_header(recording: Path) -> None:
    done = emg("probe", recording)
    with recording.open("rb") as file:
        expected = emg_core.probe(file.read(4096), recording.stat().st_size)
    assert (done.returncode, done.stderr, json.loads(done.stdout)) == (0, b"", expected)


def test_a_uri_in_a_bucket_is_read_like_a_file(recording: Path) -> None:
    base = recording.parent.as_uri()
    done = emg("probe", f"{base}/{recording.name}", env={"EMG_BUCKETS": json.dumps({"recordings": base})})
    assert done.stdout == emg("probe", recording).stdout != b""


def test_analyze_prints_the_cores_bytes(recording: Path) -> None:
    done = emg("analyze", recording)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == emg_core.open(recording).analyze_json() + b"\n"


def test_analyze_as_a_table_names_every_muscle(recording: Path) -> None:
    done = emg("analyze", recording, "--format", "table")
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(word in done.stdout.decode() for word in ("CH1", "CH2", "µV", "scores", "not a medical device"))


def test_signal_prints_every_sample_of_a_window(recording: Path) -> None:
    done = emg("signal", recording, "--channel", "ch1", "--start", "1", "--end", "1.5")
    answer = json.loads(done.stdout)
    facts = {name: answer[name] for name in ("channel", "unit", "sample_rate_hz", "start_s", "end_s")}
    assert facts == {"channel": "CH1 Raw", "unit": None, "sample_rate_hz": 990.0, "start_s": 1.0, "end_s": 1.5}
    assert answer["value"] == emg_core.open(recording)["CH1 Raw"].samples[990:1485].tolist()


def test_signal_at_screen_resolution_keeps_the_peaks(recording: Path) -> None:
    done = emg("signal", recording, "--channel", "CH2 Raw", "--width", "50", "--format", "csv")
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    samples = emg_core.open(recording)["CH2 Raw"].samples
    peak = max(float(row["maximum"]) for row in rows)
    assert len(rows) == 50
    np.testing.assert_allclose(peak, samples.max(), rtol=1e-8)  # nine digits are printed


def test_signal_of_a_recording_without_a_rate_is_one_line() -> None:
    without_rate = shared_data("c3d/corrupt/cor_rate0.c3d")
    name = emg_core.open(without_rate).metadata["channels"][0]["name"]
    done = emg("signal", without_rate, "--channel", name)
    assert (done.returncode, done.stdout) == (11, b"")
    assert done.stderr == (b"emg: the recording does not say how many samples a second has: no time can be told\n")


def test_synth_writes_a_recording_and_its_truth(tmp_path: Path) -> None:
    done = emg("synth", tmp_path / "made.c3d", "--seconds", "20", "--contractions", "3", "--truth", tmp_path / "t.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    truth = json.loads((tmp_path / "t.json").read_bytes())
    assert len(truth["contractions"]["CH2"]) == 3
    assert emg_core.open(tmp_path / "made.c3d")["CH1"].samples.shape == (truth["samples_per_channel"],)


def test_synth_writes_faults_that_the_core_finds(tmp_path: Path) -> None:
    done = emg("synth", tmp_path / "made.c3d", "--seconds", "20", "--faults", "--truth", tmp_path / "t.json")
    assert (done.returncode, done.stderr) == (0, b"")
    truth = [tuple(fault.values()) for fault in json.loads((tmp_path / "t.json").read_bytes())["faults"]]
    found = emg_core.open(tmp_path / "made.c3d").analyze()["faults"]
    assert truth == [(row["channel"], row["kind"], row["start_sample"], row["end_sample"]) for row in found]


def test_verify_says_that_two_readers_agree(recording: Path) -> None:
    done = emg("verify", recording)
    expected = b"Equal: 4 channels, tolerance 1e-6 of each channel's maximum\n"
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", expected)
    told = {"channels": 4, "verdict": "Equal", "findings": [], "words": ""}
    assert json.loads(emg("verify", recording, "--json").stdout) == told


def test_profiles_prints_what_the_core_knows() -> None:
    assert json.loads(emg("profiles").stdout) == emg_core.profiles()


@pytest.mark.parametrize(
    ("program", "command"),
    [*(("emg", command) for command in COMMANDS), *(("kubectl-emg", command) for command in KUBECTL_COMMANDS)],
)
def test_help_has_an_example(program: str, command: str) -> None:
    told = [EMG.with_name(program), command, "--help"]
    done = subprocess.run(told, check=False, capture_output=True, env={}, timeout=600)
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"{program.replace('-', ' ')} {command}" in done.stdout.decode().partition("Example: ")[2]


FAILURES = {
    "no such command": (("fly",), 2),
    "a missing argument": (("probe",), 2),
    "a value of the wrong kind": (("run", "--port", "a"), 2),
    "a port out of range": (("run", "--port", "70000"), 2),
    "a missing setting": (("migrate", "--status"), 2),
    "a file that is not there": (("probe", "missing.c3d"), 22),
    "a file that is no C3D": (("analyze", __file__), 10),
    "a URI outside the buckets": (("probe", "s3://elsewhere/a.c3d"), 2),
    "a profile that does not exist": (("analyze", "RECORDING", "--profile", "none"), 14),
    "a channel that does not exist": (("signal", "RECORDING", "--channel", "CH9"), 2),
    "a window past the end": (("signal", "RECORDING", "--channel", "CH1", "--start", "9999"), 2),
    "a receiver that is away": (("send", "RECORDING", "--to", "http://127.0.0.1:1", "--secret", "s"), 1),
    "a receiver without http://": (("send", "RECORDING", "--to", "127.0.0.1:1", "--secret", "s"), 2),
    "a key that begins with a hyphen": (("send", "RECORDING", "--to", "http://127.0.0.1:1", "--secret", "-k"), 1),
    "no key to sign with": (("send", "RECORDING", "--to", "http://127.0.0.1:1"), 2),
    "a recording that can't be made": (("synth", "out.c3d", "--seconds", "1"), 14),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_one_line_and_an_exit_code(what: str, recording: Path) -> None:
    arguments, code = FAILURES[what]
    done = emg(*(recording if word == "RECORDING" else word for word in arguments))
    assert (done.returncode, done.stdout) == (code, b"")
    assert done.stderr.decode().startswith("emg: ")
    assert done.stderr.count(b"\n") == 1
