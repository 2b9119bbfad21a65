from pathlib import Path

import emg_core
import pytest

from emg_session.core_errors import core_errors
from emg_session.errors import BadAnalysisRequest, NotC3d
from tests.support.recordings import synthetic_recording


def test_a_long_sentence_is_cut() -> None:
    assert str(NotC3d("x" * 500)) == "x" * 500
    assert str(NotC3d("x" * 501)) == "x" * 499 + "…"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mvc_nanovolts": {"Biceps of P. Smith": 1}}, "option mvc_nanovolts: its value is not one"),
        ({"no_such_option": 1}, "option no_such_option: its value is not one"),
        ({"contraction_duration_threshold_ms": 10**9}, "option contraction_duration_threshold_ms: it must lie between"),
    ],
)
def test_a_bad_option_is_named_without_muscles(tmp_path: Path, options: dict[str, object], sentence: str) -> None:
    recording = emg_core.open(synthetic_recording(tmp_path))
    with pytest.raises(BadAnalysisRequest, match=sentence) as caught, core_errors():
        recording.analyze(profile="ghostly-2", options=options)
    assert not any(name in str(caught.value) for name in ("Smith", "CH1"))
