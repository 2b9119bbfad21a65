"""The attempts at what a session asks for now: Jobs as they are seen, and what the status remembers of others. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from emg_operator.job_view import JobState, JobView
from emg_session.contract import request_of
from emg_session.resource import EMGSession
from emg_session.status import Attempt, attempt_number

_IN_FULL = 2
_LIVE = frozenset({JobState.SUSPENDED, JobState.WAITING, JobState.RUNNING, JobState.STOPPING})


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a session: another one begins when its options, references or rerun annotation change.

    `jobs` are its own by number, `outdated` those of an earlier run that are not over. `attempts` are oldest first, one
    for each number, also where nobody sees the Job.
    """

    request: str
    begins: bool
    jobs: dict[int, JobView]
    outdated: tuple[JobView, ...]
    attempts: tuple[Attempt, ...]
    next_number: int

    @classmethod
    def of(cls, session: EMGSession, jobs: Sequence[JobView]) -> "Run":
        """Tell the run's attempts from everything that is known."""
        request = request_of(session)
        begins = session.status.request not in (None, request)
        own = {job.attempt: job for job in jobs if job.request in (None, request)}
        remembered = () if begins else session.status.attempts
        attempts = _merged(remembered, own)
        numbers = [attempt.number for attempt in attempts] + [job.attempt for job in jobs]
        return cls(
            request=request,
            begins=begins,
            jobs=own,
            outdated=tuple(job for job in jobs if job.request not in (None, request) and not job.over),
            attempts=attempts,
            next_number=1 + max([*numbers, attempt_number(session.status.job_name or "")]),
        )

    @property
    def newest(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def newest_job(self) -> JobView | None:
        """The newest attempt's Job, where it is seen."""
        return self.jobs.get(self.newest.number) if self.newest else None

    @property
    def live(self) -> JobView | None:
        """The newest attempt's Job, if it can still come to something."""
        job = self.newest_job
        return job if job is not None and job.state in _LIVE else None

    @property
    def is_unfinished(self) -> bool:
        """Whether any Job is not over."""
        return bool(self.outdated) or any(not job.over for job in self.jobs.values())

    @property
    def surplus(self) -> tuple[JobView, ...]:
        """Jobs that nobody should be running any more: those of an earlier run, or of an earlier attempt."""
        newest = self.newest
        older = (job for job in self.jobs.values() if newest and job.attempt < newest.number and not job.over)
        return (*self.outdated, *older)


def _merged(remembered: Sequence[Attempt], jobs: dict[int, JobView]) -> tuple[Attempt, ...]:
    """Return one attempt for each number: the Job where it is seen, else what is remembered; what ended stays so."""
    known = {attempt.number: attempt for attempt in remembered}
    for number, job in jobs.items():
        seen = job.as_attempt()
        if seen.ended or number not in known or not known[number].ended:
            known[number] = seen
    return told([known[number] for number in sorted(known)])


def told(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Return the attempts, oldest first, as briefly as ten of them have to be told: old ones without log or times."""
    brief = [msgspec.structs.replace(a, log=None, started_at=None, finished_at=None) for a in attempts[:-_IN_FULL]]
    recent = [msgspec.structs.replace(a, log=None) for a in attempts[-_IN_FULL:-1]]
    return (*brief, *recent, *attempts[-1:])
