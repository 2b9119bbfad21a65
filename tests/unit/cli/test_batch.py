"""`emg analyze` of many recordings, and `emg plot`."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import emg_core
import numpy as np
import pytest
from arro3.io import read_parquet

from emg_cli.asked import OPTION_WORDS, Asked
from emg_cli.batch import recordings_in
from emg_cli.batch_tables import COLUMNS
from emg_cli.plot import Picture, axis, bars, marks
from emg_session.errors import InvalidSettings
from tests.support.recordings import synthetic_recording

EMG = Path(sys.executable).with_name("emg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects' recordings, and a file that is none."""
    top = tmp_path_factory.mktemp("recordings")
    for number in (1, 2):
        (top / f"P00{number}").mkdir()
        synthetic_recording(top / f"P00{number}", seed=number)
    (top / "P002" / "not-one.C3D").write_bytes(b"nothing")
    (top / "notes.txt").write_text("no recording")
    return top


def emg(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([EMG, *map(str, arguments)], check=False, capture_output=True, env={}, timeout=600)


def test_every_recording_of_a_folder_is_a_line_and_a_bad_one_names_its_failure(folder: Path) -> None:
    done = emg("analyze", folder)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = [Path(line["source"]).name for line in lines]
    assert names == ["synthetic-1.c3d", "not-one.C3D", "synthetic-2.c3d"]
    assert lines[0]["summary"] == emg_core.open(folder / "P001" / names[0]).analyze()
    assert (done.returncode, lines[1]["exit_code"], "summary" in lines[1]) == (10, 10, False)


def test_a_file_of_many_has_the_bytes_that_it_has_alone(folder: Path) -> None:
    alone = emg("analyze", folder / "P001" / "synthetic-1.c3d").stdout.strip()
    assert alone in emg("analyze", folder).stdout


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_table_has_a_row_for_each_muscle_of_each_recording(folder: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"table.{kind}"
    emg("analyze", folder, "--out", out)
    rows = read_rows(out)
    assert [(row["subject"], row["muscle"]) for row in rows] == [
        (subject, muscle) for subject in ("P001", "P002") for muscle in ("CH1", "CH2")
    ]
    truth = emg_core.open(folder / "P002" / "synthetic-2.c3d").analyze()["muscles"][1]
    assert float(rows[3]["rms_volts"]) == truth["amplitude"]["rms_volts"]
    assert int(rows[3]["contractions"]) == truth["contraction_summary"]["count"]
    assert list(rows[0]) == list(COLUMNS)


def read_rows(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    table = read_parquet(str(path)).read_all()
    return [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*(c.to_pylist() for c in table.columns), strict=True)
    ]


def test_without_a_terminal_a_table_is_plain_text(folder: Path) -> None:
    done = emg("analyze", folder, "--format", "table")
    lines = done.stdout.decode().splitlines()
    assert lines[0].split()[:3] == ["recording", "muscle", "verdict"]
    assert lines[3].split() == ["P002/not-one", "-", "NotC3d"]
    assert b"\x1b" not in done.stdout + done.stderr


def test_options_and_references_are_those_that_a_session_would_ask_for(folder: Path) -> None:
    path = folder / "P001" / "synthetic-1.c3d"
    done = emg("analyze", path, "--option", "high_pass_hz=30", "--option", "detector=bonato", "--mvc", "CH1=0.00015")
    asked = {"high_pass_hz": 30, "detector": 2, "mvc_nanovolts": {"CH1": 150_000}}
    assert done.stdout == emg_core.open(path).analyze_json(options=asked) + b"\n"


@pytest.mark.parametrize(
    ("option", "word"), [(option, word) for option, words in OPTION_WORDS.items() for word in words]
)
def test_an_options_value_is_asked_for_by_the_name_the_core_has(folder: Path, option: str, word: str) -> None:
    number = Asked.parse("standard-1", [f"{option}={word}"]).options[option]
    summary = emg_core.open(folder / "P001" / "synthetic-1.c3d").analyze(options={option: number})
    assert summary["profile"]["options"][option] == word


def test_a_name_that_no_option_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidSettings, match="one of threshold, hodges-bui-tkeo, bonato"):
        Asked.parse("standard-1", ["detector=tkeo"])


@pytest.mark.parametrize(
    "asked",
    [("--option", "high_pass_hz"), ("--option", "high_pass_hz=2.5"), ("--mvc", "CH1=much"), ("--mvc", "CH1=inf")],
)
def test_what_is_asked_for_wrongly_is_a_mistake_of_the_call(folder: Path, asked: tuple[str, str]) -> None:
    done = emg("analyze", folder / "P001" / "synthetic-1.c3d", *asked)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


def test_where_no_table_can_be_written_nothing_is_analysed(folder: Path, tmp_path: Path) -> None:
    for out in (tmp_path / "table.xls", tmp_path / "nowhere" / "table.csv"):
        done = emg("analyze", folder, "--out", out)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)


def test_what_names_no_table_and_what_names_no_recording_is_a_mistake_of_the_call(folder: Path, tmp_path: Path) -> None:
    assert emg("analyze", folder, "--out", tmp_path / "table.xls").returncode == 2
    assert emg("analyze", tmp_path).returncode == 2
    assert emg("analyze").returncode == 2


def test_a_recording_named_twice_is_analysed_once(folder: Path) -> None:
    one = str(folder / "P001" / "synthetic-1.c3d")
    assert recordings_in([one, str(folder / "P001"), "s3://a/b.c3d"]) == [one, "s3://a/b.c3d"]


def test_a_picture_is_as_high_as_the_envelope_and_marks_lie_below_it() -> None:
    envelope = np.array([0.0, 0.5, 1.0, 1.0, np.nan, np.nan, 0.25, 0.25])
    picture = Picture(
        muscle="CH1", envelope=envelope, rate_hz=1.0, good=[(2, 4)], not_good=[(6, 8)], faults=[(4, 6), (7, 8)]
    )
    assert bars(envelope, 4) == [" █", " █", " █", "██", "██ ▄", "██ █"]
    assert marks(picture, 8) == "  ━━xx╍x"
    assert next(str(line) for line in picture.lines(4)) == "CH1: 8.0 s, up to 1000000 µV"


def test_a_picture_has_its_seconds_below_their_columns_and_no_line_is_wider_than_the_terminal() -> None:
    assert axis(60.0, 60) == "0         10        20        30        40        50 s"
    assert axis(75.0, 33) == "0".ljust(13) + "30".ljust(13) + "60 s"  # 33 columns · 30 s / 75 s = 13.2
    assert axis(0.5, 4) == "0 s"
    for width in (10, 80, 200):
        assert len(axis(600.0, width)) <= width


def test_a_terminal_that_has_no_letters_but_ascii_is_no_failure(folder: Path) -> None:
    command = [EMG, "plot", folder / "P001" / "synthetic-1.c3d"]
    done = subprocess.run(command, check=False, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, timeout=600)
    assert (done.returncode, done.stderr, b"CH1: 20.0 s" in done.stdout) == (0, b"", True)


def test_a_reader_that_has_enough_is_no_failure(folder: Path) -> None:
    command = [EMG, "signal", folder / "P001" / "synthetic-1.c3d", "--channel", "CH1", "--format", "csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert (running.wait(timeout=600), running.stderr.read()) == (141, b"")


def test_plot_draws_every_muscle_of_a_recording(folder: Path) -> None:
    done = emg("plot", folder / "P001" / "synthetic-1.c3d")
    drawn = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(word in drawn for word in ("CH1: 20.0 s", "CH2: 20.0 s", "█", "━", "fault"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_told_every_command(shell: str) -> None:
    script = emg("completion", shell).stdout.decode()
    assert all(command in script for command in ("analyze", "plot", "--profile"))
