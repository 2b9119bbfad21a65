"""How far two profiles agree on the same recordings: limits of agreement, and contractions that change sides. Pure.

Amplitudes differ in proportion to their size, so that limits in volts fit neither weak nor strong muscles: those are
compared as factors, too, by the logarithms of second / first (Bland and Altman, Lancet 1986; 327:307-310).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from emg_session.limits import limits

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
_COMPARED_AS_FACTORS = {"rms_volts", "mav_volts", "iemg_volt_seconds", "fi_nsm5", "mean_amplitude_volts"}
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
    centre: str
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


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as large the second is: geometric mean and 95 % limits."""

    bias: float
    lower: float | None
    upper: float | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Differences second - first of one metric, in its unit; without a spread (n < 2) there are no limits.

    `limits_standard_error` is how uncertain the less certain limit is; null with fewer than three subjects.
    """

    metric: str
    n: int
    bias: float
    sd: float | None
    lower: float | None
    upper: float | None
    limits_standard_error: float | None
    factor: Factor | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two profiles over all recordings that both have analysed; a recording of nobody known counts as one of its own.

    `contractions` counts those found by both (matched), or by one alone; `changes` lists who changed sides.
    """

    recordings: int
    subjects: int
    metrics: tuple[Agreement, ...]
    contractions: Mapping[str, int]
    changes: tuple[Change, ...]


Whose = tuple[str, str]
Both = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What comparing needs of one pair: whose it is, and each metric by the first and by the second profile."""

    whose: Whose
    is_known: bool
    values: Sequence[tuple[str, Both]]
    contractions: Mapping[str, int]
    changes: Sequence[Change]


def measure(pair: Pair) -> Measured:
    """Reduce a pair to values and changes; what one of the two does not have is left out."""
    values = [*_score_values(pair)]
    contractions, changes = Counter[str](matched=0, only_first=0, only_second=0), list[Change]()
    for name, first, second in _muscles(pair):
        values += _muscle_values(first, second)
        found = match_contractions(first["contractions"], second["contractions"])
        contractions.update(_side(match) for match in found)
        changes += [change for match in found for change in _changes(pair.session_code, name, match)]
    return Measured(
        # The same code in two centres is two people.
        whose=(pair.centre, pair.subject or pair.session_code),
        is_known=pair.subject is not None,
        values=values,
        contractions=contractions,
        changes=changes,
    )


def compare(measured: Iterable[Measured]) -> Comparison:
    """Put pairs together; metrics come in a fixed order."""
    recordings, subjects, contractions = 0, set[Whose](), Counter[str]()
    changes, values = list[Change](), {metric: defaultdict[Whose, list[Both]](list) for metric in _metrics()}
    for one in measured:
        recordings += 1
        subjects |= {one.whose} if one.is_known else set()
        contractions.update(one.contractions)
        changes += one.changes
        for metric, both in one.values:
            values[metric][one.whose].append(both)
    return Comparison(
        recordings=recordings,
        subjects=len(subjects),
        metrics=tuple(agreement(metric, [*found.values()]) for metric, found in values.items() if found),
        contractions={side: contractions[side] for side in ("matched", "only_first", "only_second")},
        changes=tuple(changes),
    )


def agreement(metric: str, groups: Sequence[Sequence[Both]]) -> Agreement:
    """Return how a metric agrees, by the values of each subject; there is at least one."""
    found = limits([[second - first for first, second in group] for group in groups])
    return Agreement(
        metric=metric,
        n=found.n,
        bias=found.bias,
        sd=found.sd,
        lower=found.lower,
        upper=found.upper,
        limits_standard_error=found.standard_error,
        factor=_factor(groups) if metric in _COMPARED_AS_FACTORS else None,
    )


def _factor(groups: Sequence[Sequence[Both]]) -> Factor | None:
    """Return how values agree as factors; nothing where one is not above 0."""
    if any(value <= 0 for group in groups for both in group for value in both):
        return None
    found = limits([[math.log(second / first) for first, second in group] for group in groups])
    lower, upper = (None if limit is None else math.exp(limit) for limit in (found.lower, found.upper))
    return Factor(bias=math.exp(found.bias), lower=lower, upper=upper)


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


def _muscle_values(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[str, Both]]:
    for metric, (part, name) in _MUSCLE_METRICS.items():
        before, after = (first[part] or {}).get(name), (second[part] or {}).get(name)
        if before is not None and after is not None:
            yield metric, (before, after)


def _score_values(pair: Pair) -> Iterator[tuple[str, Both]]:
    for name in _SCORES:
        before, after = pair.first["scores"].get(name), pair.second["scores"].get(name)
        if before is not None and after is not None:
            yield f"scores.{name}", (before, after)


def _metrics() -> list[str]:
    return [*_MUSCLE_METRICS, *(f"scores.{name}" for name in _SCORES)]
