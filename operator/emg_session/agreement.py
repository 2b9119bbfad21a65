"""How far two profiles agree on the same recordings: limits of agreement, and contractions that change sides. Pure.

Bland and Altman, Statistical methods for assessing agreement between two methods of clinical measurement, Lancet 1986;
327:307-310: the differences' mean (bias) and mean ± 1.96 standard deviations, between which 95 % of differences lie if
they are normal. Where one subject has several recordings, differences depend on each other and the limits are somewhat
too narrow (Bland and Altman, Journal of Biopharmaceutical Statistics 2007; 17:571-582): so subjects are counted, too.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

_LIMIT_SDS = 1.96
_MUSCLE_METRICS = {
    "rms_volts": ("amplitude", "rms_volts"),
    "mav_volts": ("amplitude", "mav_volts"),
    "iemg_volt_seconds": ("amplitude", "iemg_volt_seconds"),
    "mpf_hz": ("spectrum", "mpf_hz"),
    "mdf_hz": ("spectrum", "mdf_hz"),
    "fi_nsm5": ("spectrum", "fi_nsm5"),
    "contractions": ("contraction_summary", "count"),
    "good_contractions": ("contraction_summary", "good"),
    "mean_duration_ms": ("contraction_summary", "mean_duration_ms"),
    "mean_amplitude_volts": ("contraction_summary", "mean_amplitude_volts"),
}
_SCORES = ("overall", "compliance", "symmetry", "effort", "game")


class Criterion(StrEnum):
    """A threshold that a contraction is on one side of."""

    DETECTED = "detected"
    MEETS_MVC = "meets_mvc"
    MEETS_DURATION = "meets_duration"
    IS_GOOD = "is_good"


_FLAGS = (Criterion.MEETS_MVC, Criterion.MEETS_DURATION, Criterion.IS_GOOD)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One recording's summaries under both profiles."""

    session_code: str
    subject: str | None
    first: Mapping[str, Any]
    second: Mapping[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A contraction that one profile puts on the other side of a threshold; its interval by whoever found it."""

    session_code: str
    muscle: str
    criterion: Criterion
    start_ms: float
    end_ms: float
    first: bool
    second: bool


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Differences second - first of one metric, in its unit; without a spread (n < 2) there are no limits.

    `limits_standard_error` is how uncertain each limit is: sqrt(3 / n) standard deviations.
    """

    metric: str
    n: int
    bias: float
    sd: float | None
    lower: float | None
    upper: float | None
    limits_standard_error: float | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two profiles over all recordings that both have analysed.

    `contractions` counts those found by both (matched), or by one alone; `changes` lists who changed sides.
    """

    recordings: int
    subjects: int
    metrics: tuple[Agreement, ...]
    contractions: Mapping[str, int]
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What comparing needs of one pair."""

    subject: str | None
    differences: Sequence[tuple[str, float]]
    contractions: Mapping[str, int]
    changes: Sequence[Change]


def measure(pair: Pair) -> Measured:
    """Reduce a pair to differences and changes; what one of the two does not have is left out."""
    differences = [*_score_differences(pair)]
    contractions, changes = Counter[str](matched=0, only_first=0, only_second=0), list[Change]()
    for name, first, second in _muscles(pair):
        differences += _muscle_differences(first, second)
        found = match_contractions(first["contractions"], second["contractions"])
        contractions.update(_side(match) for match in found)
        changes += [change for match in found for change in _changes(pair.session_code, name, match)]
    return Measured(subject=pair.subject, differences=differences, contractions=contractions, changes=changes)


def compare(measured: Iterable[Measured]) -> Comparison:
    """Put pairs together; metrics come in a fixed order."""
    recordings, subjects, contractions = 0, set[str | None](), Counter[str]()
    changes, differences = list[Change](), {metric: list[float]() for metric in _metrics()}
    for one in measured:
        recordings += 1
        subjects.add(one.subject)
        contractions.update(one.contractions)
        changes += one.changes
        for metric, difference in one.differences:
            differences[metric].append(difference)
    return Comparison(
        recordings=recordings,
        subjects=len(subjects),
        metrics=tuple(agreement(metric, values) for metric, values in differences.items() if values),
        contractions={side: contractions[side] for side in ("matched", "only_first", "only_second")},
        changes=tuple(changes),
    )


def agreement(metric: str, differences: Sequence[float]) -> Agreement:
    """Return bias and 95 % limits of agreement of at least one difference."""
    n, bias = len(differences), statistics.fmean(differences)
    if n == 1:
        return Agreement(metric=metric, n=1, bias=bias, sd=None, lower=None, upper=None, limits_standard_error=None)
    sd = statistics.stdev(differences)
    return Agreement(
        metric=metric,
        n=n,
        bias=bias,
        sd=sd,
        lower=bias - _LIMIT_SDS * sd,
        upper=bias + _LIMIT_SDS * sd,
        limits_standard_error=math.sqrt(3 / n) * sd,
    )


Contraction = Mapping[str, Any]
Match = tuple[Contraction | None, Contraction | None]


def match_contractions(first: Sequence[Contraction], second: Sequence[Contraction]) -> list[Match]:
    """Pair contractions that overlap, each at most once, the longest overlap first; in order of time."""
    ours, theirs, matches = set[int](), set[int](), list[Match]()
    for _, i, j in sorted(_overlaps(first, second), key=lambda overlap: (-overlap[0], *overlap[1:])):
        if i not in ours and j not in theirs:
            ours.add(i)
            theirs.add(j)
            matches.append((first[i], second[j]))
    matches += [(contraction, None) for i, contraction in enumerate(first) if i not in ours]
    matches += [(None, contraction) for j, contraction in enumerate(second) if j not in theirs]
    return sorted(matches, key=_start)


def _overlaps(first: Sequence[Contraction], second: Sequence[Contraction]) -> Iterator[tuple[int, int, int]]:
    """Give the length in samples and both places of every overlap."""
    for i, ours in enumerate(first):
        for j, theirs in enumerate(second):
            end = min(ours["end_sample"], theirs["end_sample"])
            length = end - max(ours["start_sample"], theirs["start_sample"])
            if length > 0:
                yield length, i, j


def _start(match: Match) -> tuple[int, int]:
    shown = match[0] or match[1] or {}
    return shown["start_sample"], match[0] is None


def _side(match: Match) -> str:
    return "only_second" if match[0] is None else "only_first" if match[1] is None else "matched"


def _changes(session_code: str, muscle: str, match: Match) -> Iterator[Change]:
    first, second = match
    shown = first or second or {}
    for criterion, before, after in _sides(first, second):
        yield Change(
            session_code=session_code,
            muscle=muscle,
            criterion=criterion,
            start_ms=shown["start_ms"],
            end_ms=shown["end_ms"],
            first=before,
            second=after,
        )


def _sides(first: Contraction | None, second: Contraction | None) -> Iterator[tuple[Criterion, bool, bool]]:
    """Give the thresholds that the two are on different sides of; one that was not judged has none."""
    if first is None or second is None:
        yield Criterion.DETECTED, first is not None, second is not None
        return
    for flag in _FLAGS:
        before, after = first[flag], second[flag]
        if before is not None and after is not None and before != after:
            yield flag, before, after


def _muscles(pair: Pair) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Give the muscles that both have, unless one of them skipped it."""
    others = {muscle["name"]: muscle for muscle in pair.second["muscles"]}
    for muscle in pair.first["muscles"]:
        other = others.get(muscle["name"])
        if other and not muscle["skipped"] and not other["skipped"]:
            yield muscle["name"], muscle, other


def _muscle_differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for metric, (part, name) in _MUSCLE_METRICS.items():
        before, after = (first[part] or {}).get(name), (second[part] or {}).get(name)
        if before is not None and after is not None:
            yield metric, after - before


def _score_differences(pair: Pair) -> Iterator[tuple[str, float]]:
    for name in _SCORES:
        before, after = pair.first["scores"].get(name), pair.second["scores"].get(name)
        if before is not None and after is not None:
            yield f"scores.{name}", after - before


def _metrics() -> list[str]:
    return [*_MUSCLE_METRICS, *(f"scores.{name}" for name in _SCORES)]
