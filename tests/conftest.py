"""What holds for every suite."""

import os
import sys

import pytest
from hypothesis import settings

# How long an example takes says more about the machine and its other work than about us.
settings.register_profile("emg", deadline=None)
settings.load_profile("emg")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: object storage's threads can abort an interpreter that is being torn down."""
    outcome = getattr(config, "outcome_of_session", None)
    if outcome is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(outcome)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the session went."""
    session.config.outcome_of_session = int(exitstatus)  # type: ignore[attr-defined]
