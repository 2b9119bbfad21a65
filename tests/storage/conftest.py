from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emg_session.recordings import Buckets, RecordingStore
from tests.support.s3 import S3Server, serving_s3


@dataclass(frozen=True)
class Place:
    """A bucket to put objects into, and the store that reads them."""

    recordings: RecordingStore
    base: str
    put: Callable[[str, bytes], object]

    def uri(self, key: str) -> str:
        return f"{self.base}/{key}"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with serving_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    """A bucket that is a folder."""

    def put(key: str, data: bytes) -> None:
        target = tmp_path / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    return Place(_store(tmp_path.as_uri()), tmp_path.as_uri(), put)


@pytest.fixture
def bucket(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A bucket of a real S3 server, whose address and keys are in the environment."""
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    name = tmp_path.name.replace("_", "-").strip("-")
    s3.make_bucket(name)
    return Place(_store(f"s3://{name}"), f"s3://{name}", lambda key, data: s3.put(name, key, data))


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    """Either: a store has to behave the same on both."""
    found: Place = request.getfixturevalue(request.param)
    return found


def _store(base: str) -> RecordingStore:
    return RecordingStore(Buckets({"recordings": base}))
