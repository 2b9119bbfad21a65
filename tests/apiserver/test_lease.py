"""Two replicas: one acts, the other stands by."""

import signal
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.apiserver.conftest import Site
from tests.support.operators import Operator, started
from tests.support.waiting import wait_until

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Pair:
    acting: Operator
    standby: Operator


@pytest.fixture
def pair(site: Site):
    first, second = site.operator("operator-0"), site.operator("operator-1")
    with started(first), started(second):
        first_acts = wait_for_one(first, second)
        yield Pair(first, second) if first_acts else Pair(second, first)


def wait_for_one(first: Operator, second: Operator) -> bool:
    roles: set[str | None] = set()

    def both_answer() -> bool:
        roles.clear()
        roles.update((first.role(), second.role()))
        return roles == {"acting", "standby"}

    wait_until(both_answer, "one acts, one stands by")
    return first.role() == "acting"


def test_one_acts_and_the_other_is_live_and_ready_as_a_standby(pair: Pair) -> None:
    assert (pair.acting.role(), pair.standby.role()) == ("acting", "standby")
    wait_until(lambda: pair.standby.problems("/readyz") == {}, "database and definition have answered in time")
    assert pair.standby.problems("/livez") == {}
    assert pair.acting.metric("emg_operator_leading") == 1
    assert pair.standby.metric("emg_operator_leading") == 0


def test_a_replica_that_is_told_to_stop_is_followed_at_once(site: Site, pair: Pair) -> None:
    assert pair.acting.end() == 0
    ended = datetime.now(UTC)
    pair.standby.wait_until_acting()
    assert (acquired(site) - ended).total_seconds() < PATIENCE_S / 2


def test_a_killed_replica_is_followed_within_twenty_seconds(site: Site, pair: Pair) -> None:
    killed = datetime.now(UTC)
    pair.acting.end(signal.SIGKILL)
    pair.standby.wait_until_acting()
    assert (acquired(site) - killed).total_seconds() < PATIENCE_S


def acquired(site: Site) -> datetime:
    """Return when the lease's holder took it, as it says itself: looking from outside takes its time, too."""
    where = ("-n", site.namespace, "-o", "jsonpath={.spec.acquireTime}")
    return datetime.fromisoformat(site.api.kubectl("get", "lease", "emg-operator", *where))


def test_a_killed_replica_that_comes_back_first_acts_at_once(pair: Pair) -> None:
    pair.acting.end(signal.SIGKILL)
    pair.acting.start()
    pair.acting.wait_until_acting()
    assert pair.standby.role() == "standby"


def test_a_replica_whose_lease_was_taken_ends_before_it_is_told(site: Site, pair: Pair) -> None:
    take = '{"spec": {"holderIdentity": "somebody-else", "leaseDurationSeconds": 3600}}'
    site.api.kubectl("patch", "lease", "emg-operator", "-n", site.namespace, "--type=merge", "-p", take)
    assert pair.acting.process is not None
    assert pair.acting.process.wait(PATIENCE_S * 3) == 1
    assert "could not be renewed" in pair.acting.log.read_text()
