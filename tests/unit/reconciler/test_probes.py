"""What the kubelet is told, and how often a check is really made."""

import asyncio

import pytest

from emg_operator.probes import Remembered
from emg_session.errors import DatabaseUnavailable


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_check_is_made_once_in_its_time_however_often_it_is_asked_for() -> None:
    calls, clock = 0, Clock()

    async def check() -> None:
        nonlocal calls
        calls += 1

    remembered = Remembered(check=check, seconds=5.0, clock=clock)
    assert [await remembered.problem() for _ in range(3)] == ["", "", ""]
    assert calls == 1
    clock.now += 5
    await remembered.problem()
    assert calls == 2


async def test_a_failure_is_told_in_its_own_words_and_forgotten_once_it_is_over() -> None:
    away, clock = True, Clock()

    async def check() -> None:
        if away:
            raise DatabaseUnavailable("the database does not answer")

    remembered = Remembered(check=check, seconds=5.0, clock=clock)
    assert await remembered.problem() == "the database does not answer"
    away, clock.now = False, 6.0
    assert await remembered.problem() == ""


async def test_a_check_that_never_ends_is_given_up_before_the_kubelet_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emg_operator.probes._SECONDS_TO_CHECK", 0.01)
    remembered = Remembered(check=asyncio.Event().wait, seconds=5.0)
    assert "no answer within" in await remembered.problem()
