"""The core's README shows what really comes out: its examples run on a synthetic recording."""

import doctest
from pathlib import Path

import pytest

from tests.support.recordings import synthetic_recording

README = Path(__file__).resolve().parents[3] / "emg_core_rs/README.md"


def test_every_example_of_the_readme_comes_to_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic_recording(tmp_path).rename(tmp_path / "session.c3d")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert (failed, tried) == (0, README.read_text().count("\n>>> "))
