import asyncio
import base64
import json
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request

from emg_api.access.callers import pseudonym
from emg_api.access.kubernetes import KubernetesAccess, KubernetesUser, expiry
from emg_api.metrics import Metrics
from emg_api.refusals import InvalidToken, NotAllowed, TooBusy
from emg_session.errors import ClusterUnavailable
from tests.support.waiting import until

VIEWER = KubernetesUser(name="system:serviceaccount:emg:viewer", uid="u1", groups=("system:authenticated",), extra={})


@dataclass
class FakeReviews:
    """Kubernetes's word: `users` by token, `rights` as (user, verb, name); `asked` is what it was asked.

    `silent` lets it be asked whose a token is for ever.
    """

    users: dict[str, KubernetesUser] = field(default_factory=dict)
    rights: set[tuple[str, str, str | None]] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    away: bool = False
    silent: bool = False
    under_way: int = 0
    most_under_way: int = 0

    async def user_of(self, token: str) -> KubernetesUser | None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await (asyncio.Event().wait() if self.silent else asyncio.sleep(0))
        self.under_way -= 1
        self._answer(f"whose is {token}")
        return self.users.get(token)

    async def may(self, user: KubernetesUser, verb: str, name: str | None) -> bool:
        self._answer(f"may {user.name} {verb} {name}")
        return (user.name, verb, name) in self.rights

    def _answer(self, question: str) -> None:
        if self.away:
            raise ClusterUnavailable("the Kubernetes API does not answer")
        self.asked.append(question)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def reviews():
    return FakeReviews(users={"good": VIEWER}, rights={(VIEWER.name, "get", "emg-a")})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def access(reviews, clock):
    return KubernetesAccess(reviews, Metrics(), now=clock, wall_clock=lambda: 1000.0 + clock.seconds)


def bearing(token: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})


async def test_a_caller_is_told_by_a_pseudonym(access):
    caller = await access.identify(bearing("good"))

    assert caller.pseudonym == pseudonym("kubernetes", VIEWER.name)
    assert caller.subjects is None


async def test_a_token_that_kubernetes_does_not_know_is_refused_and_asked_about_again_after_five_seconds(
    access, reviews, clock
):
    for clock.seconds in (0.0, 4.9, 5.0):
        with pytest.raises(InvalidToken):
            await access.identify(bearing("bad"))

    assert reviews.asked == ["whose is bad"] * 2


async def test_a_known_token_is_believed_for_a_minute(access, reviews, clock):
    for clock.seconds in (0.0, 59.9, 60.0):
        await access.identify(bearing("good"))

    assert reviews.asked == ["whose is good"] * 2


async def test_a_token_is_believed_no_longer_than_it_says_itself(access, reviews, clock):
    payload = base64.urlsafe_b64encode(json.dumps({"exp": 1010}).encode()).decode().rstrip("=")
    token = f"h.{payload}.s"
    reviews.users[token] = VIEWER
    for clock.seconds in (0.0, 9.9, 10.0):
        await access.identify(bearing(token))

    assert len(reviews.asked) == 2


DEEP = base64.urlsafe_b64encode(b'{"a":' * 6000).decode()


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "..", "a.e30.c", "a.eyJleHAiOiAieCJ9.c", f"a.{DEEP}.c"])
def test_a_token_that_says_nothing_of_its_end_never_ends_by_itself(token):
    assert expiry(token) == float("inf")


async def test_who_may_get_a_session_may_see_it_and_nothing_else(access):
    caller = await access.identify(bearing("good"))

    await access.check_session(caller, "emg-a", "P001")
    with pytest.raises(NotAllowed, match="your account may not get"):
        await access.check_session(caller, "emg-b", "P001")
    with pytest.raises(NotAllowed, match="your account may not list"):
        await access.check_list(caller)


async def test_a_right_given_now_works_in_five_seconds(access, reviews, clock):
    caller = await access.identify(bearing("good"))
    with pytest.raises(NotAllowed):
        await access.check_list(caller)
    reviews.rights.add((VIEWER.name, "list", None))
    clock.seconds = 5.0

    await access.check_list(caller)


async def test_an_outage_is_not_remembered_as_a_refusal(access, reviews):
    reviews.away = True
    with pytest.raises(ClusterUnavailable):
        await access.identify(bearing("good"))
    reviews.away = False

    await access.identify(bearing("good"))


async def test_however_many_tokens_come_kubernetes_is_asked_a_few_things_at_a_time(access, reviews):
    answers = await asyncio.gather(*(access.identify(bearing(f"t{n}")) for n in range(100)), return_exceptions=True)

    assert {type(answer) for answer in answers} == {InvalidToken}
    assert reviews.most_under_way == 8


async def test_who_would_wait_behind_two_hundred_others_is_told_to_come_again(access):
    answers = await asyncio.gather(*(access.identify(bearing(f"t{n}")) for n in range(300)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [InvalidToken] * 208 + [TooBusy] * 92
    with pytest.raises(InvalidToken):
        await access.identify(bearing("later"))


async def test_however_many_unknown_tokens_wait_a_known_caller_is_answered(access, reviews):
    caller = await access.identify(bearing("good"))
    reviews.silent = True
    flood = [asyncio.create_task(access.identify(bearing(f"t{n}"))) for n in range(300)]
    await until(lambda: reviews.under_way == 8, "as many tokens as may be are asked about")

    await access.check_session(caller, "emg-a", None)
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_what_was_granted_is_bounded(access, reviews):
    tokens = [f"t{number}" for number in range(4097)]
    reviews.users = dict.fromkeys(tokens, VIEWER)
    for token in (*tokens, tokens[-1], tokens[0]):
        await access.identify(bearing(token))

    assert [reviews.asked.count(f"whose is {token}") for token in (tokens[0], tokens[-1])] == [2, 1]


async def test_no_number_of_refusals_pushes_out_what_was_granted(access, reviews):
    await access.identify(bearing("good"))
    for token in (*(f"t{number}" for number in range(5000)), "t4999", "t0"):
        with pytest.raises(InvalidToken):
            await access.identify(bearing(token))
    await access.identify(bearing("good"))

    assert [reviews.asked.count(f"whose is {token}") for token in ("good", "t0", "t4999")] == [1, 2, 1]
