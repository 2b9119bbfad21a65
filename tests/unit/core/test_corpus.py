"""Every file of the corpus reads as its manifest says: the check that `make corpus` prints."""

from pathlib import Path

import pytest

from tests.support import corpus
from tests.support.needs import shared_data


@pytest.fixture(scope="module")
def folder() -> Path:
    return shared_data("c3d")


@pytest.mark.parametrize("name", corpus.CLASSES)
def test_every_file_of_a_class_reads_as_the_manifest_says(folder: Path, name: str) -> None:
    of_class = [file for file in corpus.files(folder) if file.expect == name]
    found = {file.name: corpus.problems(file) for file in of_class}
    assert {name: sentences for name, sentences in found.items() if sentences} == {}
    assert len(found) >= 7


def test_the_six_forms_of_one_recording_hold_the_same_values(folder: Path) -> None:
    """The three byte orders as int16 and float32: float32 holds every int16 exactly."""
    forms = [corpus.emg_core.open(folder / f"real/c3d.org/sample01/Eb015{form}.c3d") for form in SIX_FORMS]
    channels = [[channel.samples.tolist() for channel in form.channels] for form in forms]
    assert all(other == channels[0] for other in channels[1:])


SIX_FORMS = ("pi", "pr", "vi", "vr", "si", "sr")


def test_a_file_that_differs_from_its_facts_is_told(folder: Path) -> None:
    file = next(file for file in corpus.files(folder) if file.expect == "ok" and file.facts and file.facts["channels"])
    assert file.facts is not None
    file.facts["channels"][0]["mid"]["value"] += 1.0
    assert corpus.problems(file) == ["channel 0 has other values"]
