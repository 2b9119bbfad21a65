from pathlib import Path

import emg_core
import pytest
from kubernetes.aio import client

from emg_session.core_errors import core_errors
from emg_session.errors import BadAnalysisRequest, NotC3d
from emg_session.sessions import unavailable
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


@pytest.mark.parametrize(("told", "seconds"), [("7", 7.0), ("86400", 300.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)])
def test_an_api_server_that_is_busy_is_left_alone_for_as_long_as_it_asks_within_reason(
    told: str, seconds: float
) -> None:
    answer = client.ApiException(status=429, reason="Too Many Requests")
    answer.headers = {"Retry-After": told}
    assert unavailable(answer).again_after_s == seconds


@pytest.mark.parametrize(("status", "refused"), [(403, True), (404, False), (503, False)])
def test_an_api_server_that_says_we_may_not_ask_is_told_apart(status: int, refused: bool) -> None:
    assert unavailable(client.ApiException(status=status, reason="…")).refused is refused
