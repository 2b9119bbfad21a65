from pathlib import Path

from emg_session.contract import TerminationMessage
from emg_worker.last_words import LastWords, used_mib


def read(path: Path) -> TerminationMessage:
    words = TerminationMessage.from_text(path.read_text())
    assert words is not None
    return words


def test_whoever_kills_the_worker_its_last_step_is_known(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "log")
    words.say("reading a recording of 5 bytes")
    words.say("analysing 5 bytes")
    said = read(tmp_path / "log")
    assert (said.exit_code, said.message) == (None, "ended by force after: analysing 5 bytes")
    assert [line.partition(": ")[2] for line in said.log] == ["reading a recording of 5 bytes", "analysing 5 bytes"]


def test_the_end_tells_code_memory_and_the_steps_before(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "log")
    words.say("storing 9 bytes of summary")
    words.end(21, "the database does not answer")
    said = read(tmp_path / "log")
    assert (said.exit_code, said.message, len(said.log)) == (21, "the database does not answer", 1)
    assert said.used_mib == used_mib()


def test_memory_is_the_most_there_ever_was_rounded_up(tmp_path: Path) -> None:
    process = tmp_path / "status"
    process.write_text("Name:\tpython3\nVmPeak:\t  900000 kB\nVmHWM:\t   92161 kB\nVmRSS:\t   10 kB\n")
    assert used_mib(process) == 91
    assert used_mib(tmp_path / "none") is None


def test_words_of_any_length_fit_into_kubernetes(tmp_path: Path) -> None:
    words = LastWords(tmp_path / "log")
    for _ in range(100):
        words.say("\0" * 5000)
    words.end(70, "\0" * 5000)
    assert len((tmp_path / "log").read_bytes()) <= 4096
    assert read(tmp_path / "log").exit_code == 70
