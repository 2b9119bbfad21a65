import json
import sys
import threading
from decimal import Decimal

import emg_core
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

FLOATS = st.lists(st.floats(), max_size=30)


def read(text: bytes) -> list:
    return json.loads(b"[" + text + b"]")


@given(FLOATS)
def test_every_number_reads_back_as_pythons_own(values):
    expected = [value if np.isfinite(value) else None for value in values]
    assert [repr(found) for found in read(emg_core.json_numbers(values))] == [repr(value) for value in expected]


@given(FLOATS, st.integers(1, 10))
def test_numbers_encoded_in_parts_are_the_same_text(values, size):
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    encoded = [emg_core.json_numbers(part, continued=place > 0) for place, part in enumerate(parts)]
    assert b"".join(encoded) == emg_core.json_numbers(values)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=30))
def test_numbers_of_32_bits_have_as_few_digits_as_numpys(values):
    singles = np.array(values, dtype=np.float32)
    found = json.loads(b"[" + emg_core.json_numbers(singles) + b"]", parse_float=Decimal)
    expected = [Decimal(str(single)).normalize() for single in singles]
    assert [word.normalize() for word in found] == expected


def test_strided_and_foreign_arrays_are_read_as_their_values():
    values = np.arange(6.0)
    assert read(emg_core.json_numbers(values[::-2])) == [5, 3, 1]
    assert read(emg_core.json_numbers(values.astype(np.float32)[::2])) == [0, 2, 4]
    assert read(emg_core.json_numbers(values.astype(">f4"))) == [0, 1, 2, 3, 4, 5]


@pytest.fixture
def _no_thread_is_interrupted():
    before = sys.getswitchinterval()
    sys.setswitchinterval(60.0)
    yield
    sys.setswitchinterval(before)


def is_overtaken(values) -> bool:
    """Whether this thread ran between a call's begin and its end: never if the call kept the interpreter."""
    begun, steps = threading.Event(), []
    encoding = threading.Thread(target=lambda: (begun.set(), emg_core.json_numbers(values), steps.append("encoded")))
    encoding.start()
    begun.wait()
    overtaken = not steps
    encoding.join()
    return overtaken


@pytest.mark.usefixtures("_no_thread_is_interrupted")
def test_other_threads_run_while_numbers_are_encoded():
    values = np.random.default_rng(1).normal(size=1_000_000)
    assert any(is_overtaken(values) for _ in range(50))
