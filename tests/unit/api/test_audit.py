import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from emg_api.access.audit import MOST_WAITING, AuditTrail, audit_trail
from emg_api.access.repeats import Repeats
from emg_session.audit import AuditEntry
from emg_session.errors import DatabaseUnavailable, SummaryRefused
from tests.support.memory import MemoryAudit
from tests.support.waiting import until

AWAY = DatabaseUnavailable("the database does not answer")


def line(caller: str = "ab12", code: str = "emg-a") -> AuditEntry:
    return AuditEntry(
        at=datetime(2026, 3, 2, tzinfo=UTC),
        caller=caller,
        operation="signals_channel",
        session_code=code,
        asked={"width": 10},
        status=200,
        reason=None,
    )


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the sessions of the reads that the log tells of."""
    return [r.read["session_code"] for r in caplog.records if r.getMessage() == "read not in the audit table"]


async def test_lines_are_stored_beside_requests():
    store = MemoryAudit()
    async with audit_trail(store) as trail:
        trail.note(line())
        assert store.lines == []
        await until(lambda: store.lines, "the line is stored")

    assert [entry.session_code for entry in store.lines] == ["emg-a"]


async def test_the_last_lines_are_stored_when_the_program_ends():
    store = MemoryAudit()
    async with audit_trail(store) as trail:
        for number in range(1200):
            trail.note(line(code=f"emg-{number}"))

    assert len(store.lines) == 1200


async def test_lines_wait_for_a_database_that_is_away_and_are_in_the_log_once(caplog):
    store = MemoryAudit(failure=AWAY)
    trail = AuditTrail(store, seconds_between_tries=0.001)
    writing = asyncio.create_task(trail.write())
    trail.note(line())
    await until(lambda: told(caplog), "the log tells")
    store.failure = None
    await until(lambda: store.lines, "the line is stored")
    writing.cancel()

    assert told(caplog) == ["emg-a"]
    assert len(store.lines) == 1


async def test_what_is_never_stored_is_in_the_log(caplog):
    store = MemoryAudit(failure=AWAY)
    async with audit_trail(store) as trail:
        for code in ("emg-a", "emg-b"):
            trail.note(line(code=code))

    assert told(caplog) == ["emg-a", "emg-b"]
    assert caplog.records[0].read["caller"] == "ab12"
    assert caplog.records[0].reason == "the database does not answer"


async def test_with_too_many_waiting_the_log_has_the_rest(caplog):
    caplog.set_level(logging.WARNING)
    trail = AuditTrail(MemoryAudit())
    for number in range(MOST_WAITING + 2):
        trail.note(line(code=f"emg-{number}"))

    assert told(caplog) == [f"emg-{MOST_WAITING}", f"emg-{MOST_WAITING + 1}"]


class PickyAudit(MemoryAudit):
    """Refuses a whole batch for one caller, as a constraint would."""

    async def append(self, entries):
        if any(entry.caller == "bad" for entry in entries):
            raise SummaryRefused("the database refuses what was to be stored (audit_log_caller_check)")
        await super().append(entries)


async def test_a_line_that_the_table_refuses_keeps_no_other_out(caplog):
    store = PickyAudit()
    async with audit_trail(store) as trail:
        for number in range(20):
            trail.note(line("bad" if number == 13 else "good", f"emg-{number}"))

    assert told(caplog) == ["emg-13"]
    assert {entry.session_code for entry in store.lines} == {f"emg-{n}" for n in range(20)} - {"emg-13"}


class BuggyAudit(MemoryAudit):
    """Fails in a way nobody thought of, the first time."""

    tries = 0

    async def append(self, entries):
        self.tries += 1
        if self.tries == 1:
            raise ZeroDivisionError("P. Smith")
        await super().append(entries)


async def test_a_bug_stops_no_auditing_and_is_told_by_its_place(caplog):
    store = BuggyAudit()
    trail = AuditTrail(store, seconds_between_tries=0.001)
    writing = asyncio.create_task(trail.write())
    trail.note(line())
    await until(lambda: store.lines, "the line is stored")
    writing.cancel()

    (record,) = caplog.records
    assert record.reason.startswith("ZeroDivisionError in ")
    assert "Smith" not in str(vars(record))


async def test_a_store_that_says_nothing_does_not_keep_the_program(monkeypatch, caplog):
    class SilentAudit(MemoryAudit):
        async def append(self, _entries):
            await asyncio.Event().wait()

    monkeypatch.setattr("emg_api.access.audit._SECONDS_TO_FINISH", 0.01)
    async with audit_trail(SilentAudit()) as trail:
        trail.note(line())

    assert told(caplog) == ["emg-a"]


def list_line(minute: int, status: int = 304, **other: object) -> AuditEntry:
    at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minute)
    told = replace(line(), at=at, operation="sessions", session_code=None, asked={"subject": "P001"}, status=status)
    return replace(told, **other)


@pytest.mark.parametrize(
    ("entries", "written"),
    [
        ([list_line(0, 200), list_line(1), list_line(59)], [0]),
        ([list_line(0, 200), list_line(59), list_line(60), list_line(61), list_line(120)], [0, 2, 4]),
        ([list_line(0), list_line(1)], [0]),
        ([list_line(0, 200), list_line(1, 200)], [0, 1]),
        ([list_line(0, 200), list_line(1, asked={"subject": "P002"})], [0, 1]),
        ([list_line(0, 200), list_line(1, caller="cd34"), list_line(2, reason="review")], [0, 1, 2]),
        ([list_line(5, 200), list_line(0)], [0, 1]),
        ([line(), replace(line(), status=304), replace(line(), status=304)], [0, 1, 2]),
        ([list_line(0, 403), list_line(1), list_line(2)], [0, 1]),
    ],
    ids=[
        "unchanged",
        "an hour",
        "304 first",
        "read again",
        "asked else",
        "who and why",
        "clock back",
        "of a session",
        "refused",
    ],
)
async def test_a_list_that_did_not_change_is_written_down_once_an_hour(entries, written):
    store = MemoryAudit()
    async with audit_trail(store) as trail:
        for entry in entries:
            trail.note(entry)

    assert store.lines == [entries[number] for number in written]


def test_what_is_remembered_of_lists_has_a_bound():
    repeats = Repeats()
    for number in range(10_001):
        assert repeats.is_news(list_line(0, 200, caller=str(number)))
    assert repeats.is_news(list_line(1, caller="0"))
    assert not repeats.is_news(list_line(1, caller="10000"))
