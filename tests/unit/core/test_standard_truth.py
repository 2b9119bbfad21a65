"""standard-1 against planted truth: what `make accuracy` prints, on fewer recordings."""

import pytest

from benchmarks.accuracy import Errors, measured, percentiles


@pytest.fixture(scope="module")
def errors() -> dict[str, Errors]:
    return measured(rest_volts=4e-6, seeds=range(1, 5))


def middle(values: list[float]) -> float:
    return percentiles(values)[1]


def test_no_contraction_is_missed_or_invented(errors: dict[str, Errors]) -> None:
    assert {name: (found.planted, found.missed, found.false) for name, found in errors.items()} == {
        "threshold on the activated channel": (96, 0, 0),
        "threshold on the raw channel": (96, 0, 0),
        "hodges-bui-tkeo on the raw channel": (96, 0, 0),
        "bonato on the raw channel": (96, 0, 0),
    }


def test_onsets_and_ends_lie_within_the_ramps(errors: dict[str, Errors]) -> None:
    # Contractions rise and fall over 100 ms: a threshold is passed somewhere on the way.
    for name, found in errors.items():
        if "activated" not in name:
            assert all(-10 < error < 50 for error in found.onsets_ms)
            assert all(-50 < error < 10 for error in found.ends_ms)


def test_the_activated_channel_is_late_by_the_lag_that_is_told(errors: dict[str, Errors]) -> None:
    late, envelope = errors["threshold on the activated channel"], errors["threshold on the raw channel"]
    # Its vendor's smoothing (100 ms against 50 ms) and its own threshold move edges by some milliseconds more.
    assert middle(late.onsets_ms) - middle(envelope.onsets_ms) == pytest.approx(middle(late.lags_ms), abs=10)


def test_amplitude_and_median_frequency_are_unbiased(errors: dict[str, Errors]) -> None:
    for found in errors.values():
        # 96 contractions of 2 to 4 s: standard errors of 0.2 % and 0.35 Hz.
        assert middle(found.rms_percent) == pytest.approx(0, abs=0.8)
        assert middle(found.mdf_hz) == pytest.approx(0, abs=1.4)
