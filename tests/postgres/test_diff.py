"""`emg diff` on real recordings that were analysed under both profiles."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emg_session import migrate
from emg_session.contract import WorkerContract
from emg_session.database import open_summaries
from emg_session.resource import RecordingRef, SessionSpec
from emg_worker.work import analyse
from tests.support.needs import shared_data

EMG = Path(sys.executable).with_name("emg")
PROFILES = ("ghostly-2", "standard-1")


def emg_diff(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [EMG, "diff", *arguments]
    env = {"EMG_DATABASE_URL": url}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture
async def stored(database_url: str) -> dict[str, list[dict[str, Any]]]:
    """The summaries of the GHOSTLY recordings, under each profile, as they were stored."""
    migrate.upgrade(database_url)
    kept: dict[str, list[dict[str, Any]]] = {profile: [] for profile in PROFILES}
    async with open_summaries(database_url, answer_seconds=120) as summaries:
        for number, path in enumerate(sorted(shared_data("c3d").rglob("Ghostly*.c3d"))):
            for profile in PROFILES:
                recording = RecordingRef(uri=f"s3://recordings/P00{number}/{path.name}", version="1")
                spec = SessionSpec(recording=recording, subject=f"P00{number}", profile=profile)
                name = f"emg-{number}-{profile}"
                result = analyse(path.read_bytes(), WorkerContract(session_name=name, spec=spec))
                await summaries.save_result(name, spec, result)
                kept[profile].append(json.loads(result.summary_json))
    return kept


def values(summaries: list[dict[str, Any]], part: str, name: str) -> dict[tuple[int, str], float | None]:
    found = ((n, m) for n, summary in enumerate(summaries) for m in summary["muscles"] if not m["skipped"])
    return {(n, muscle["name"]): (muscle[part] or {}).get(name) for n, muscle in found}


def spread_of_pairs(groups: list[list[float]]) -> float:
    """Return the standard deviation of one difference by an analysis of variance of subjects with two muscles each."""
    within = statistics.mean(statistics.variance(group) for group in groups)
    return (within + max(0.0, statistics.variance(map(statistics.mean, groups)) - within / 2)) ** 0.5


@pytest.mark.parametrize(
    ("metric", "part", "name"),
    [("rms_volts", "amplitude", "rms_volts"), ("contractions", "contraction_summary", "count")],
)
async def test_bias_and_limits_are_those_of_the_stored_summaries(
    stored, database_url: str, metric: str, part: str, name: str
) -> None:
    answer = json.loads(emg_diff(database_url, *PROFILES, "--json").stdout)
    first, second = (values(stored[profile], part, name) for profile in PROFILES)
    by_subject: dict[int, list[float]] = {}
    for subject, muscle in first:
        by_subject.setdefault(subject, []).append(second[subject, muscle] - first[subject, muscle])
    differences = [difference for group in by_subject.values() for difference in group]
    found = next(m for m in answer["metrics"] if m["metric"] == metric)
    spread = 1.96 * spread_of_pairs([*by_subject.values()])
    assert answer["recordings"] == answer["subjects"] == len(stored["ghostly-2"]) == 4
    assert found["n"] == len(differences)
    assert [found["bias"], found["lower"], found["upper"]] == pytest.approx(
        [statistics.mean(differences), statistics.mean(differences) - spread, statistics.mean(differences) + spread]
    )


async def test_every_contraction_is_accounted_for(stored, database_url: str) -> None:
    answer = json.loads(emg_diff(database_url, *PROFILES, "--json").stdout)
    counts, changes = answer["contractions"], answer["changes"]
    total = {p: sum(len(m["contractions"]) for s in stored[p] for m in s["muscles"]) for p in PROFILES}
    assert counts["matched"] + counts["only_first"] == total["ghostly-2"]
    assert counts["matched"] + counts["only_second"] == total["standard-1"]
    detected = [change for change in changes if change["criterion"] == "detected"]
    assert len(detected) == counts["only_first"] + counts["only_second"] > 0


@pytest.mark.usefixtures("stored")
async def test_the_other_way_round_the_bias_has_the_other_sign(database_url: str) -> None:
    there, back = (
        {m["metric"]: m["bias"] for m in json.loads(emg_diff(database_url, *pair, "--json").stdout)["metrics"]}
        for pair in (PROFILES, PROFILES[::-1])
    )
    assert back == pytest.approx({metric: -bias for metric, bias in there.items()})


@pytest.mark.usefixtures("stored")
async def test_people_get_a_table(database_url: str) -> None:
    done = emg_diff(database_url, *PROFILES)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(
        w in done.stdout for w in ("4 recordings, 4 subjects", "rms_volts", "change sides", "not a medical device")
    )


async def test_profiles_without_a_common_recording_are_told_so(database_url: str) -> None:
    migrate.upgrade(database_url)
    done = emg_diff(database_url, *PROFILES)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no recording is stored under both ghostly-2 and standard-1" in done.stderr
