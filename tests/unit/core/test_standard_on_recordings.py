"""standard-1 on real recordings."""

from typing import Any

import emg_core
import pytest

from tests.support.needs import shared_data

NAMES = ["20230321_17-23-09-0409", "20230321_17-50-17-0881", "20231004_13-18-43-0464", "20250310_11-46-23-0823"]


@pytest.fixture(scope="module", params=NAMES)
def recording(request: pytest.FixtureRequest) -> emg_core.Recording:
    return emg_core.open(shared_data("c3d") / f"real/ghostly/Ghostly_Emg_{request.param}.c3d")


@pytest.fixture(scope="module")
def summary(recording: emg_core.Recording) -> dict[str, Any]:
    return recording.analyze(profile="standard-1")


def test_a_summary_fits_into_twenty_kilobytes(recording: emg_core.Recording) -> None:
    assert len(recording.analyze_json(profile="standard-1")) <= 20_000


def test_the_activated_channel_lags_by_49_to_67_ms(summary: dict[str, Any]) -> None:
    # CH1 of 20231004 has none: it is saturated just where it is strong, so its envelope misses what the vendor saw.
    lags = [muscle["timing_lag_ms"] for muscle in summary["muscles"] if muscle["timing_lag_ms"] is not None]
    assert lags
    assert all(49 <= lag <= 67 for lag in lags)


def test_without_a_reference_compliance_says_why(summary: dict[str, Any]) -> None:
    scores = summary["scores"]
    assert scores["renormalized"] == {
        "overall": {"effort": "NotStated"},
        "muscles": {"CH1": {"intensity": "NoReference"}, "CH2": {"intensity": "NoReference"}},
    }
    for muscle in summary["muscles"]:
        assert (muscle["reference"]["method"], muscle["reference"]["volts"]) == ("None", None)
        assert {contraction["meets_mvc"] for contraction in muscle["contractions"]} == {None}
        score = scores["muscles"][muscle["name"]]
        assert score["intensity"] is None
        weighted = 333 * score["completion"] + 334 * score["duration"]
        assert score["compliance"] == pytest.approx(weighted / 667 * 100)


def test_contractions_are_whole_and_apart(summary: dict[str, Any]) -> None:
    for muscle in summary["muscles"]:
        spans = [(c["start_sample"], c["end_sample"]) for c in muscle["contractions"]]
        ends = [0, *(end for _, end in spans)]
        assert all(start > end + 198 or end == 0 for (start, _), end in zip(spans, ends, strict=False))
        assert all(end - start >= 99 for start, end in spans)
