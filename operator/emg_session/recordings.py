"""Reading recordings from object storage or a folder: whole, or just the bytes asked for.

A place outside the configured buckets is never read, whatever a notice or a session says.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from emg_session.errors import (
    InvalidSettings,
    RecordingChanged,
    RecordingNotThere,
    StorageUnavailable,
    UnknownBucket,
)
from emg_session.object_tree import tree_pages
from emg_session.settings import json_setting

if TYPE_CHECKING:  # types only, absent at run time
    from obstore import GetOptions, ObjectMeta

T = TypeVar("T")

_SECONDS_FOR_A_REQUEST = 30.0
_RETRY = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
_CLIENT = {"timeout": "20s", "connect_timeout": "2s", "allow_http": "true"}
# What obstore says, which has no exception of its own for it: S3 and its like, and a folder.
_RANGE_PAST_THE_END = ("416 Range Not Satisfiable", "Requested range was invalid")
_EXAMPLE = '{"recordings": "s3://recordings"}'
_MOST_URI_CHARACTERS = 2048  # of a session's definition


@dataclass(frozen=True)
class Buckets:
    """The allow-list: bucket name as senders write it → base URI of its objects."""

    uris: Mapping[str, str]

    @classmethod
    def from_json(cls, text: str) -> "Buckets":
        """Parse EMG_BUCKETS; raises InvalidSettings."""
        uris = json_setting(text, dict[str, str], "EMG_BUCKETS", _EXAMPLE)
        for name, uri in uris.items():
            _check_scheme(name, uri)
        return cls({name: uri.rstrip("/") for name, uri in uris.items()})

    def uri(self, bucket: str, key: str) -> str:
        """Return the URI of an object; raises UnknownBucket, also for a key that leaves its bucket."""
        base = self.uris.get(bucket)
        if base is None:
            raise UnknownBucket(f"bucket {bucket!r} is not in EMG_BUCKETS")
        if not _is_plain(key):
            raise UnknownBucket("the object's key is absolute, or has empty, '.' or '..' parts")
        return f"{base}/{key}"

    def split(self, uri: str) -> tuple[str, str]:
        """Return base URI and key of an object; raises UnknownBucket."""
        bases = (base for base in self.uris.values() if uri.startswith(f"{base}/"))
        base = max(bases, key=len, default=None)
        if base is None or not _is_plain(uri[len(base) + 1 :]):
            raise UnknownBucket("the recording's URI is in no bucket of EMG_BUCKETS")
        return base, uri[len(base) + 1 :]


@dataclass(frozen=True)
class StoredBytes:
    """Some bytes of an object, with the whole object's size, version and age as they were at that moment."""

    data: bytes
    size_bytes: int
    version: str
    modified_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """An object as a listing shows it; the version is the one that reading it would name."""

    uri: str
    key: str
    version: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, kw_only=True)
class ListedPage:
    """Some objects of a bucket; `passed_over` counts those beside them that no session could name."""

    objects: Sequence[ListedObject]
    passed_over: int = 0


class RecordingStore:
    """Reads objects of the configured buckets."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._stores: dict[str, ObjectStore] = {}

    async def read(self, uri: str, version: str | None = None) -> StoredBytes:
        """Read a whole object; with a version, raises RecordingChanged if it is another one now."""
        return await self._get(uri, None, version)

    async def read_range(self, uri: str, start: int, end: int, version: str | None = None) -> StoredBytes:
        """Read bytes start..end (end excluded, clipped to the object); versions as in `read`."""
        return await self._get(uri, {"range": (start, end)}, version)

    async def list_pages(self, bucket: str) -> AsyncIterator[ListedPage]:
        """List a configured bucket page by page; where there are keys that can't be read, some objects come twice."""
        base = self._buckets.uris[bucket]
        with _translated():
            async for found in tree_pages(self._store(base)):
                objects = [_listed(base, meta) for meta in found.objects if _can_be_named(base, meta["path"])]
                passed_over = found.unreadable + len(found.objects) - len(objects)
                yield ListedPage(objects=objects, passed_over=passed_over)

    async def size(self, uri: str, version: str) -> int:
        """Return an object's size in bytes without reading it; versions as in `read`, an empty one is not there yet."""
        base, key = self._buckets.split(uri)
        with _translated():
            meta = await _in_time(obstore.head_async(self._store(base), key))
        _compare(version, plain_version(meta["e_tag"]))
        if meta["size"] == 0:
            raise RecordingNotThere("the object is empty (so far)")
        return meta["size"]

    async def delete(self, uri: str) -> bool:
        """Delete an object; False where there was none, as far as storage tells."""
        base, key = self._buckets.split(uri)
        try:
            with _translated():
                await _in_time(obstore.delete_async(self._store(base), key))
        except RecordingNotThere:
            return False
        return True

    async def _get(self, uri: str, options: "GetOptions | None", version: str | None) -> StoredBytes:
        base, key = self._buckets.split(uri)
        with _translated():
            store = self._store(base)
        try:
            return await self._read(store, key, options, version)
        except RecordingNotThere:
            # The range may lie past the end of what is there now: another version, and shorter.
            await self._check_version(store, key, version)
            raise

    async def _check_version(self, store: ObjectStore, key: str, version: str | None) -> None:
        with _translated():
            _compare(version, plain_version((await _in_time(obstore.head_async(store, key)))["e_tag"]))

    async def _read(
        self, store: ObjectStore, key: str, options: "GetOptions | None", version: str | None
    ) -> StoredBytes:
        with _translated():
            answer = await _in_time(obstore.get_async(store, key, options=options))
            found = plain_version(answer.meta["e_tag"])
            _compare(version, found)
            data = (await _in_time(answer.bytes_async())).to_bytes()
        return StoredBytes(data, answer.meta["size"], found, answer.meta["last_modified"])

    def _store(self, base: str) -> ObjectStore:
        if base not in self._stores:
            options: dict[str, Any] = (
                {} if base.startswith("file:") else {"client_options": _CLIENT, "retry_config": _RETRY}
            )
            self._stores[base] = from_url(base, **options)
        return self._stores[base]


def _check_scheme(bucket: str, uri: str) -> None:
    """Refuse what no store can be made of; the URI itself, which may hold a credential, is not repeated."""
    try:
        obstore.parse_scheme(uri)
    except (ValueError, BaseError):
        message = f"EMG_BUCKETS has no URI that can be read for {bucket!r}; for example {_EXAMPLE}"
        raise InvalidSettings(message) from None


def _is_plain(key: str) -> bool:
    return bool(key) and not any(part in ("", ".", "..") for part in key.split("/"))


def _can_be_named(base: str, key: str) -> bool:
    return _is_plain(key) and key.isprintable() and len(base) + 1 + len(key) <= _MOST_URI_CHARACTERS


def _listed(base: str, meta: "ObjectMeta") -> ListedObject:
    return ListedObject(
        uri=f"{base}/{meta['path']}",
        key=meta["path"],
        version=plain_version(meta["e_tag"]),
        size_bytes=meta["size"],
        modified_at=meta["last_modified"],
    )


def plain_version(e_tag: str | None) -> str:
    """Return an ETag without the marks around it, which not every sender writes."""
    return (e_tag or "").strip().removeprefix("W/").strip('"')


def _compare(version: str | None, found: str) -> None:
    if version is not None and found != version:
        raise RecordingChanged("the object is another version now than the session is about")


async def _in_time(request: Awaitable[T]) -> T:
    return await asyncio.wait_for(request, _SECONDS_FOR_A_REQUEST)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise RecordingNotThere("the object is not there (yet)") from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise _refusal() from error
    except BaseError as error:
        if any(words in str(error) for words in _RANGE_PAST_THE_END):
            raise RecordingNotThere("the object is empty (so far)") from error
        # Its own words hold the whole address, with the object's key.
        raise StorageUnavailable(
            f"storage does not answer ({type(error).__name__}); check AWS_ENDPOINT_URL and the network"
        ) from error
    except (TimeoutError, OSError) as error:
        raise StorageUnavailable("storage does not answer in time; check AWS_ENDPOINT_URL and the network") from error


def _refusal() -> StorageUnavailable:
    failure = StorageUnavailable("storage refuses to show the object; check the AWS_… settings and what they may read")
    failure.refused = True
    return failure
