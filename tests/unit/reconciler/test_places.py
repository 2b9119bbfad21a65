from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from emg_operator.places import Places
from tests.support.sessions import NOW


def test_without_a_bound_everybody_has_a_place() -> None:
    places = Places(0, wake=lambda _: None)
    assert all(places.take(str(number), "P001", NOW) for number in range(100))


def test_a_place_that_becomes_free_goes_to_the_subject_with_the_fewest_then_to_the_oldest() -> None:
    woken: list[str] = []
    places = Places(2, wake=woken.append)
    assert places.take("a1", "P001", NOW)
    assert places.take("a2", "P001", NOW)
    waiting = [("a3", "P001", 1), ("b2", "P002", 3), ("b1", "P002", 2)]
    assert not any(places.take(name, subject, NOW + timedelta(seconds=s)) for name, subject, s in waiting)
    for done in ("a1", "a2", "b1", "b2"):
        places.release(done)
    assert woken == ["b1", "a3", "b2"]


def test_whoever_leaves_the_line_is_not_woken() -> None:
    woken: list[str] = []
    places = Places(1, wake=woken.append)
    places.take("a", "P001", NOW)
    places.take("b", "P001", NOW)
    places.take("c", "P001", NOW)
    places.release("b")
    places.release("a")
    assert woken == ["c"]


STEPS = st.lists(st.tuples(st.sampled_from("tr"), st.integers(0, 7)), max_size=60)


@given(STEPS, st.integers(1, 3))
def test_never_more_hold_a_place_than_there_are_and_none_is_left_free_while_somebody_waits(
    steps: list[tuple[str, int]], most: int
) -> None:
    holding: set[str] = set()
    waiting: set[str] = set()
    places = Places(most, wake=lambda name: (holding.add(name), waiting.discard(name)))
    for step, number in steps:
        name = f"s{number}"
        if step == "t":
            (holding if places.take(name, f"P{number % 3}", NOW) else waiting).add(name)
        else:
            holding.discard(name)
            waiting.discard(name)
            places.release(name)
        assert len(holding) <= most
        assert not (waiting and len(holding) < most)
