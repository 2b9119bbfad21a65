import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from emg_local.place import Place
from tests.support.postgres import folder_for_servers
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

EMG = Path(sys.executable).with_name("emg")
PATIENCE_S = 600


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    with folder_for_servers() as folder:
        command = [EMG, "run", "--demo", "--port", "0", "--data", folder]
        yield (
            folder,
            subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S, env=env()),
        )


def env() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "XDG_RUNTIME_DIR") if name in os.environ}


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [EMG, "run", "--port", "0", "--data", folder]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env()) as program:
        try:
            assert program.stdout is not None
            word, _, base_url = program.stdout.readline().strip().partition(" ")
            assert word == "ready"
            yield program, base_url
        finally:
            program.kill()


def get(url: str) -> object:
    with urlopen(url, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def test_the_demo_takes_a_recording_from_webhook_to_summary_and_signal(demo) -> None:
    _, done = demo
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ready http://127.0.0.1:")
    assert done.stdout.count("\n") == 1
    assert all(word in done.stderr for word in ("CH1", "CH2", "scores", "viewer", "/signals/jit/"))


def test_everything_is_still_there_at_the_next_start(demo) -> None:
    folder, _ = demo
    with running(folder) as (_, base_url):
        assert analysed(base_url, "P001") == [True]
    assert len(list((folder / "recordings" / "P001").glob("*.c3d"))) == 1


def test_a_notice_sent_twice_makes_one_session(demo) -> None:
    folder, _ = demo
    key = "P002/sent.c3d"
    path = synthetic_recording(folder / "recordings" / "P002").rename(folder / "recordings" / key)
    with running(folder) as (_, base_url):
        secret = (folder / "webhook-key").read_text()
        send = [EMG, "send", path, "--to", base_url, "--key", key, "--secret", secret]
        first, second = (json.loads(subprocess.run(send, check=True, capture_output=True).stdout) for _ in range(2))
        session = get(f"{base_url}/sessions/{first['session_code']}")["session"]
    assert not second["created"]  # nor was the first, where the sweep came before it
    assert first["session_code"] == second["session_code"] == session["session_code"]
    assert session["subject"] == "P002"


def test_a_file_copied_into_the_folder_is_analysed_without_a_notice(demo) -> None:
    folder, _ = demo
    with running(folder) as (_, base_url):
        (folder / "recordings" / "P003").mkdir()
        synthetic_recording(folder / "recordings" / "P003", seed=3)
        wait_until(lambda: analysed(base_url, "P003") == [True], "the copied file is analysed")


def analysed(base_url: str, subject: str) -> list[bool]:
    sessions = get(f"{base_url}/sessions")["sessions"]
    return [session["analyzed"] for session in sessions if session["subject"] == subject]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_cleanly(demo, number: signal.Signals) -> None:
    folder, _ = demo
    with running(folder) as (program, _):
        program.send_signal(number)
        assert program.wait(PATIENCE_S) == 0
    assert not (Place(folder).folder / "postgres" / "postmaster.pid").exists()


def test_a_page_elsewhere_that_leads_to_this_machine_reads_nothing(demo) -> None:
    folder, _ = demo
    with running(folder) as (_, base_url):
        request = Request(f"{base_url}/sessions", headers={"Host": "rebound.example.org"})
        with pytest.raises(HTTPError, match="400"):
            urlopen(request, timeout=30)
        assert get(f"{base_url}/sessions")


def test_a_second_run_on_the_same_folder_is_refused(demo) -> None:
    folder, _ = demo
    with running(folder) as (program, _):
        second = subprocess.run(
            [EMG, "run", "--port", "0", "--data", folder], check=False, capture_output=True, text=True
        )
    assert (second.returncode, second.stdout) == (2, "")
    assert f"in use by process {program.pid}" in second.stderr


def test_a_port_that_is_taken_is_refused(demo) -> None:
    folder, _ = demo
    with running(folder) as (_, base_url), folder_for_servers() as other:
        port = base_url.rpartition(":")[2]
        second = subprocess.run(
            [EMG, "run", "--port", port, "--data", other], check=False, capture_output=True, text=True
        )
    assert (second.returncode, second.stdout) == (2, "")
    assert f"port {port} is taken" in second.stderr


def test_a_killed_program_takes_its_database_along(demo) -> None:
    folder, _ = demo
    with running(folder) as (program, _):
        program.kill()
        program.wait(PATIENCE_S)
    wait_until(lambda: not (folder / "postgres" / "postmaster.pid").exists(), "PostgreSQL stopped")


def erase(folder: Path, *arguments: str) -> dict:
    command = [EMG, "erase", "--data", folder, "--reason", "consent withdrawn", *arguments]
    answer: dict = json.loads(subprocess.run(command, check=True, capture_output=True, env=env()).stdout)
    return answer


def test_an_erased_subject_is_gone_and_does_not_come_back(demo) -> None:
    folder, _ = demo
    with running(folder) as (_, base_url):
        for subject, seed in (("P007", 7), ("P008", 8)):
            (folder / "recordings" / subject).mkdir()
            synthetic_recording(folder / "recordings" / subject, seed=seed)
        wait_until(lambda: analysed(base_url, "P007") == analysed(base_url, "P008") == [True], "both are analysed")

        kept = erase(folder, "--subject", "P007")
        deleted = erase(folder, "--subject", "P008", "--recordings", "--receipt", str(folder / "receipt.json"))

        gone = [*kept["sessions"], *deleted["sessions"]]
        left = [folder / "cluster" / "sessions" / f"{name}.json" for name in gone]
        wait_until(lambda: not any(path.exists() for path in left), "the sessions are removed")
        synthetic_recording(folder / "recordings" / "P007", seed=9).rename(folder / "recordings" / "P001" / "9.c3d")
        wait_until(lambda: analysed(base_url, "P001") == [True, True], "the sweep has come by again")
        assert analysed(base_url, "P007") == analysed(base_url, "P008") == []
    assert (kept["recordings_deleted"], deleted["recordings_deleted"]) == (None, 1)
    assert [len(list((folder / "recordings" / subject).glob("*.c3d"))) for subject in ("P007", "P008")] == [1, 0]
    assert json.loads((folder / "receipt.json").read_text()) == deleted
    assert "P008" not in str(deleted)


def test_erasing_where_nothing_runs_says_so(tmp_path: Path) -> None:
    command = [EMG, "erase", "--data", tmp_path, "--subject", "P001", "--reason", "x"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env())
    assert (done.returncode, done.stdout) == (21, "")
    assert "start `emg run` there" in done.stderr
