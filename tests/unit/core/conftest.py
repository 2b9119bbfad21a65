"""The longest of the real recordings, which lie beside the repository."""

import pytest

from tests.support.needs import shared_data


@pytest.fixture(scope="session")
def longest() -> bytes:
    return (shared_data("c3d") / "real/ghostly/Ghostly_Emg_20230321_17-50-17-0881.c3d").read_bytes()
