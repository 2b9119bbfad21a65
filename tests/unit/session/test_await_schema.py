"""Programs wait for the migration, and not for ever for a database."""

from collections.abc import Callable
from itertools import count

import pytest

from emg_session.await_schema import await_schema
from emg_session.errors import DatabaseUnavailable, SchemaMismatch


def waited(is_current: Callable[[], bool]) -> tuple[str, int]:
    """Return what came of it and how often the clock ticked, ten seconds each time."""
    ticks = count(0, 10)
    slept: list[float] = []
    return await_schema(is_current, clock=lambda: float(next(ticks)), sleep=slept.append), len(slept)


def down() -> bool:
    raise DatabaseUnavailable("not there")


def test_programs_start_as_soon_as_the_schema_is_there() -> None:
    answers = iter([False, False, True])
    assert waited(lambda: next(answers)) == ("the schema is there", 2)


def test_a_database_that_is_away_is_waited_for_a_minute_only() -> None:
    assert waited(down) == ("the database does not answer: going on without", 5)


def test_a_database_that_comes_late_is_migrated_all_the_same() -> None:
    looks = iter([down, down, lambda: False, lambda: True])

    def is_current() -> bool:
        return next(looks)()

    assert waited(is_current) == ("the schema is there", 3)


def test_a_schema_that_never_comes_is_told() -> None:
    with pytest.raises(SchemaMismatch, match="look at the migration's Job"):
        waited(lambda: False)
