"""The page that tells every problem type: `python -m emg_api.problem_page` prints it, api/PROBLEMS.md is it."""

import sys

from emg_api.problems import BUG, KINDS, ProblemKind
from emg_session.errors import Failure, TransientFailure

_HEAD = """# Problems

Errors are `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail` (what happened) and `advice` (what
to do). A type never changes its meaning. Those marked “again” come with `Retry-After`. What the router refuses (no
such path, method not allowed) is `about:blank`. Made by `make problems` from the table that answers with them.

| type: `urn:emg-operator:problem:…` | status | means | advice |
|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    told = {kind: failure for failure, kind in KINDS.items() if kind is not BUG}
    lines = [_line(kind, failure) for kind, failure in sorted(told.items(), key=lambda line: line[0].slug)]
    return "".join([_HEAD, *lines, _line(BUG, None)])


def _line(kind: ProblemKind, failure: type[Failure] | None) -> str:
    again = ", again" if failure and issubclass(failure, TransientFailure) else ""
    means = ((failure and failure.__doc__) or f"{kind.title}.").splitlines()[0]
    return f"| `{kind.slug}` | {kind.status.value}{again} | {means} | {kind.advice} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
