from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from emg_session.object_order import OBJECT_ORDER_ANNOTATION, ObjectOrder

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
COUNTS = st.text("0123456789abcdefABCDEF", min_size=1, max_size=40)
SEQUENCES = st.tuples(st.sampled_from(["s3", "gcs", "azure"]), COUNTS)
MOMENTS = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ORDERS = st.builds(
    lambda modified_at, sequence: ObjectOrder.of(modified_at=modified_at, sequence=sequence),
    st.none() | MOMENTS,
    st.none() | SEQUENCES,
)


def test_an_order_is_written_as_text_that_sorts() -> None:
    order = ObjectOrder.of(modified_at=NOON, sequence=("s3", "0055AED6DCD90281E5"))

    assert order.to_annotations() == {
        OBJECT_ORDER_ANNOTATION: "modified:001772452800 s3:0000000000000000000000" + "0055aed6dcd90281e5"
    }


@given(ORDERS)
def test_what_is_written_is_read_back(order: ObjectOrder) -> None:
    assert ObjectOrder.from_annotations(order.to_annotations()) == order


@given(st.text())
def test_any_annotation_is_read(text: str) -> None:
    ObjectOrder.from_annotations({OBJECT_ORDER_ANNOTATION: text})


def test_a_longer_sequencer_is_the_newer_one() -> None:
    older, newer = ObjectOrder.of(sequence=("s3", "FF")), ObjectOrder.of(sequence=("s3", "0100"))

    assert newer.is_newer_than(older)
    assert not older.is_newer_than(newer)


def test_a_sequencer_decides_against_the_clock() -> None:
    older = ObjectOrder.of(modified_at=NOON, sequence=("s3", "01"))
    newer = ObjectOrder.of(modified_at=NOON - timedelta(seconds=1), sequence=("s3", "02"))

    assert newer.is_newer_than(older)


def test_where_one_has_no_sequencer_storages_time_decides() -> None:
    older = ObjectOrder.of(modified_at=NOON, sequence=("s3", "01"))
    newer = ObjectOrder.of(modified_at=NOON + timedelta(seconds=1))

    assert newer.is_newer_than(older)


def test_two_versions_of_one_second_can_not_be_told_apart_by_time() -> None:
    older, newer = ObjectOrder.of(modified_at=NOON), ObjectOrder.of(modified_at=NOON + timedelta(milliseconds=999))

    assert not newer.is_newer_than(older)


@given(ORDERS, ORDERS)
def test_two_versions_are_never_newer_than_each_other(one: ObjectOrder, other: ObjectOrder) -> None:
    assert not (one.is_newer_than(other) and other.is_newer_than(one))


@given(ORDERS)
def test_nothing_known_is_never_newer(order: ObjectOrder) -> None:
    assert not ObjectOrder().is_newer_than(order)
    assert not order.is_newer_than(ObjectOrder())
