"""Limits of agreement of differences that come in groups: those of one subject depend on each other. Pure.

Bland and Altman, Statistical methods for assessing agreement between two methods of clinical measurement, Lancet 1986;
327:307-310: the differences' mean (bias) and mean ± 1.96 standard deviations, between which 95 % of differences lie if
they are normal. With several differences a subject, their variance is that between subjects plus that within, by a
one-way analysis of variance (Bland and Altman, Journal of Biopharmaceutical Statistics 2007; 17:571-582). How uncertain
a limit is comes from leaving out one subject at a time (the jackknife: Efron and Stein, Annals of Statistics 1981;
9:586-596), so that a subject with many recordings is one subject still.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import astuple, dataclass

_LIMIT_SDS = 1.96
_FEWEST_TO_LEAVE_ONE_OUT = 3


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bias and 95 % limits, in the differences' unit; no spread (n < 2) is no limits.

    `standard_error` is how uncertain the less certain limit is; unknown with fewer than three groups.
    """

    n: int
    bias: float
    sd: float | None
    lower: float | None
    upper: float | None
    standard_error: float | None


@dataclass(frozen=True)
class _Sums:
    """What an analysis of variance needs of groups; `between` is the sum of total² / n over groups."""

    groups: int
    n: int
    n_squared: int
    total: float
    squares: float
    between: float

    @property
    def bias(self) -> float:
        return self.total / self.n

    @property
    def sd(self) -> float:
        """Standard deviation of one difference, of any group; 0 where there is but one."""
        return math.sqrt(self._within + self._among)

    @property
    def _within(self) -> float:
        freedom = self.n - self.groups
        return max(0.0, self.squares - self.between) / freedom if freedom else 0.0

    @property
    def _among(self) -> float:
        """The variance of groups' own means."""
        if self.groups == 1:
            return 0.0
        mean_square = (self.between - self.total**2 / self.n) / (self.groups - 1)
        group_size = (self.n - self.n_squared / self.n) / (self.groups - 1)
        return max(0.0, mean_square - self._within) / group_size

    def without(self, other: "_Sums") -> "_Sums":
        return _Sums(*(ours - theirs for ours, theirs in zip(astuple(self), astuple(other), strict=True)))


def limits(groups: Sequence[Sequence[float]]) -> Limits:
    """Return the limits of at least one difference; each group has at least one."""
    every = [difference for group in groups for difference in group]
    n, bias = len(every), statistics.fmean(every)
    if n == 1:
        return Limits(n=1, bias=bias, sd=None, lower=None, upper=None, standard_error=None)
    parts = [_sums([difference - bias for difference in group]) for group in groups]
    whole = _Sums(*map(sum, zip(*map(astuple, parts), strict=True)))
    spread = _LIMIT_SDS * whole.sd
    return Limits(
        n=n,
        bias=bias,
        sd=whole.sd,
        lower=bias - spread,
        upper=bias + spread,
        standard_error=_standard_error(whole, parts),
    )


def _sums(group: Sequence[float]) -> _Sums:
    n, total = len(group), math.fsum(group)
    return _Sums(1, n, n * n, total, math.fsum(one * one for one in group), total * total / n)


def _standard_error(whole: _Sums, parts: Sequence[_Sums]) -> float | None:
    if len(parts) < _FEWEST_TO_LEAVE_ONE_OUT:
        return None
    rest = [whole.without(part) for part in parts]
    return max(_jackknife([sums.bias + side * _LIMIT_SDS * sums.sd for sums in rest]) for side in (-1, 1))


def _jackknife(estimates: Sequence[float]) -> float:
    """Return the standard error of an estimate, from those with one group left out each."""
    return math.sqrt((len(estimates) - 1) * statistics.pvariance(estimates))
