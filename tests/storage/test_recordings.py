import socket

import pytest
from obstore.exceptions import BaseError

from emg_session.errors import RecordingChanged, RecordingNotThere, StorageUnavailable, TransientFailure, UnknownBucket
from emg_session.recordings import Buckets, RecordingStore
from tests.storage.conftest import Place

KEY = "P001/2023 03/first-session.c3d"
DATA = bytes(range(256)) * 40


async def test_a_recording_is_read_whole(place: Place) -> None:
    place.put(KEY, DATA)
    stored = await place.recordings.read(place.uri(KEY))
    assert (stored.data, stored.size_bytes) == (DATA, len(DATA))


async def test_a_range_is_read_with_the_whole_size(place: Place) -> None:
    place.put(KEY, DATA)
    stored = await place.recordings.read_range(place.uri(KEY), 512, 1024)
    assert (stored.data, stored.size_bytes) == (DATA[512:1024], len(DATA))


async def test_a_range_past_the_end_is_clipped(place: Place) -> None:
    place.put(KEY, DATA)
    stored = await place.recordings.read_range(place.uri(KEY), len(DATA) - 3, len(DATA) + 4096)
    assert (stored.data, stored.size_bytes) == (DATA[-3:], len(DATA))


async def test_every_read_names_the_same_version(place: Place) -> None:
    place.put(KEY, DATA)
    whole = await place.recordings.read(place.uri(KEY))
    part = await place.recordings.read_range(place.uri(KEY), 0, 16, version=whole.version)
    assert whole.version
    assert part.version == whole.version


async def test_an_overwritten_recording_is_another_version(place: Place) -> None:
    place.put(KEY, DATA)
    before = await place.recordings.read(place.uri(KEY))
    place.put(KEY, DATA[::-1] + b"longer")
    with pytest.raises(RecordingChanged):
        await place.recordings.read(place.uri(KEY), version=before.version)


async def test_a_range_past_the_end_of_a_shorter_version_is_another_version(place: Place) -> None:
    place.put(KEY, DATA)
    before = await place.recordings.read_range(place.uri(KEY), 0, 16)
    place.put(KEY, b"shorter")
    with pytest.raises(RecordingChanged):
        await place.recordings.read_range(place.uri(KEY), 512, 1024, version=before.version)


@pytest.mark.parametrize("key", ["P001/another.c3d", "P002/first-session.c3d"])
async def test_a_missing_recording_may_come_later(place: Place, key: str) -> None:
    place.put(KEY, DATA)
    with pytest.raises(RecordingNotThere):
        await place.recordings.read(place.uri(key))


async def test_a_missing_bucket_may_come_later(place: Place) -> None:
    elsewhere = f"{place.base}-nowhere"
    with pytest.raises(TransientFailure):
        await RecordingStore(Buckets({"recordings": elsewhere})).read(f"{elsewhere}/{KEY}")


@pytest.mark.parametrize("key", ["../outside.c3d", "P001/../../outside.c3d", "P001//x.c3d", "./x.c3d", ""])
async def test_a_key_that_leaves_its_bucket_is_refused(place: Place, key: str) -> None:
    with pytest.raises(UnknownBucket):
        await place.recordings.read(place.uri(key))


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "s3://somebody-elses/x.c3d", "http://127.0.0.1/x.c3d", "x.c3d"])
async def test_a_place_outside_the_buckets_is_refused(place: Place, uri: str) -> None:
    with pytest.raises(UnknownBucket):
        await place.recordings.read(uri)


async def test_an_empty_object_is_read_as_nothing(place: Place) -> None:
    place.put(KEY, b"")
    stored = await place.recordings.read(place.uri(KEY))
    assert (stored.data, stored.size_bytes) == (b"", 0)


async def test_the_header_of_an_empty_object_is_not_there_yet(place: Place) -> None:
    place.put(KEY, b"")
    with pytest.raises(RecordingNotThere):
        await place.recordings.read_range(place.uri(KEY), 0, 4096)


async def test_storage_that_is_down_is_said_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port, and it refuses
        taken.bind(("127.0.0.1", 0))
        for name, value in (keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{taken.getsockname()[1]}"}).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(StorageUnavailable) as caught:
            await RecordingStore(Buckets({"recordings": "s3://recordings"})).read("s3://recordings/P001/secret.c3d")
    assert isinstance(caught.value.__cause__, BaseError)  # told by the client, not by our own time-out
    assert str(caught.value) == "storage does not answer (GenericError); check AWS_ENDPOINT_URL and the network"


async def test_refused_credentials_say_which_settings_to_check(bucket: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put(KEY, DATA)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageUnavailable, match=r"storage refuses .* check the AWS_… settings") as caught:
        await bucket.recordings.read(bucket.uri(KEY))
    assert caught.value.refused


async def test_a_deleted_recording_is_there_no_more_and_others_are(place: Place) -> None:
    for key in (KEY, "P002/other.c3d"):
        place.put(key, DATA)
    assert await place.recordings.delete(place.uri(KEY))
    with pytest.raises(RecordingNotThere):
        await place.recordings.read(place.uri(KEY))
    assert (await place.recordings.read(place.uri("P002/other.c3d"))).data == DATA


async def test_deleting_what_is_gone_already_is_no_failure(place: Place) -> None:
    place.put(KEY, DATA)
    await place.recordings.delete(place.uri(KEY))
    await place.recordings.delete(place.uri(KEY))


async def test_nothing_outside_the_buckets_is_deleted(place: Place) -> None:
    with pytest.raises(UnknownBucket):
        await place.recordings.delete(place.uri("../elsewhere.c3d"))
