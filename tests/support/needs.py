"""What a test needs of its machine: absent, it is skipped with one clear line; in CI it fails instead."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


def require(present: object, sentence: str) -> None:
    """Skip unless present; where EMG_REQUIRE_ALL is set (CI), fail: a skip must not hide a missing part."""
    if present:
        return
    if os.environ.get("EMG_REQUIRE_ALL"):
        pytest.fail(sentence)
    pytest.skip(sentence, allow_module_level=True)


def shared_data(name: str) -> Path:
    """Return a path below the shared data folder, which lies beside the checkout."""
    path = SHARED / "data" / name
    require(path.exists(), f"no shared test data at {path}: place it beside the checkout")
    return path
