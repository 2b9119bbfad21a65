"""The election, against an API server that keeps one lease and refuses to write over another version."""

import copy
from dataclasses import dataclass, field
from typing import Any

import pytest
from kubernetes.aio import client

from emg_operator.lease import Lease, LeaseLost, LeaseTiming

AT_ONCE = LeaseTiming(duration_s=15, renew_within_s=0.05, retry_s=0.01)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class OneLease:
    """What the election uses of the API; `away` makes it answer 503, `race` lets somebody else write in between."""

    lease: dict[str, Any] | None = None
    away: bool = False
    race: bool = False
    version: int = field(default=0)

    async def get_namespaced_custom_object(self, *_: object, **__: object) -> dict[str, Any]:
        self._answer()
        if self.lease is None:
            raise client.ApiException(status=404, reason="Not Found")
        return copy.deepcopy(self.lease)

    async def create_namespaced_custom_object(self, *arguments: Any, **_: object) -> None:
        self._answer()
        if self.lease is not None or self.race:
            raise client.ApiException(status=409, reason="Conflict")
        self._keep(arguments[-1])

    async def replace_namespaced_custom_object(self, *arguments: Any, **_: object) -> None:
        self._answer()
        assert self.lease is not None
        if self.race or arguments[-1]["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise client.ApiException(status=409, reason="Conflict")
        self._keep(arguments[-1])

    def _answer(self) -> None:
        if self.away:
            raise client.ApiException(status=503, reason="Service Unavailable")

    def _keep(self, body: dict[str, Any]) -> None:
        self.version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)


def replica(api: OneLease, holder: str, clock: Clock) -> Lease:
    return Lease(api=api, namespace="emg", holder=holder, timing=AT_ONCE, clock=clock)  # type: ignore[arg-type]


async def is_taken_by(lease: Lease) -> bool:
    return await lease._try()  # noqa: SLF001 - one step of the election


def test_a_holder_has_given_up_before_it_is_followed_which_is_within_twenty_seconds() -> None:
    timing = LeaseTiming()
    assert timing.most_s_to_give_up < timing.duration_s
    assert timing.most_s_to_follow + timing.answer_within_s < 20


async def test_of_two_replicas_one_holds_the_lease() -> None:
    api, clock = OneLease(), Clock()
    first, second = replica(api, "first", clock), replica(api, "second", clock)
    assert [await is_taken_by(first), await is_taken_by(second), await is_taken_by(first)] == [True, False, True]


async def test_a_holder_that_is_silent_is_followed_by_our_own_clock_whatever_the_lease_says_of_time() -> None:
    api, clock = OneLease(), Clock()
    await is_taken_by(replica(api, "first", Clock()))
    assert api.lease is not None
    api.lease["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z"
    second = replica(api, "second", clock)
    assert not await is_taken_by(second)
    clock.now += 15
    assert not await is_taken_by(second)
    clock.now += 0.1
    assert await is_taken_by(second)
    assert (api.lease["spec"]["holderIdentity"], api.lease["spec"]["leaseTransitions"]) == ("second", 2)


async def test_a_holder_that_renews_is_never_followed() -> None:
    api, clock = OneLease(), Clock()
    first, second = replica(api, "first", clock), replica(api, "second", clock)
    for _ in range(10):
        assert await is_taken_by(first)
        clock.now += 10
        assert not await is_taken_by(second)


async def test_a_container_that_comes_back_in_its_pod_goes_on_at_once() -> None:
    api = OneLease()
    await is_taken_by(replica(api, "first", Clock()))
    assert await is_taken_by(replica(api, "first", Clock()))


@pytest.mark.parametrize("known", [False, True])
async def test_whoever_is_slower_in_a_race_does_not_act(known: bool) -> None:
    api, clock = OneLease(), Clock()
    if known:
        await is_taken_by(replica(api, "", clock))
    api.race = True
    assert not await is_taken_by(replica(api, "second", clock))


async def test_a_lease_that_is_left_is_free_at_once() -> None:
    api, clock = OneLease(), Clock()
    first = replica(api, "first", clock)
    await first.acquire()
    await first.release()
    assert await is_taken_by(replica(api, "second", clock))


async def test_a_replica_that_is_told_to_stop_leaves_anothers_lease_alone() -> None:
    api, clock = OneLease(), Clock()
    first = replica(api, "first", clock)
    await first.acquire()
    clock.now += 20
    second = replica(api, "second", clock)
    await is_taken_by(second)
    clock.now += 20
    await is_taken_by(second)
    await first.release()
    assert api.lease is not None
    assert api.lease["spec"]["holderIdentity"] == "second"


async def test_a_holder_that_nobody_answers_gives_up() -> None:
    api = OneLease()
    first = Lease(api=api, namespace="emg", holder="first", timing=AT_ONCE)  # type: ignore[arg-type]
    await first.acquire()
    api.away = True
    with pytest.raises(LeaseLost):
        await first.keep()
    assert not first.held
