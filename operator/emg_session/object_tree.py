"""Listing a bucket though some of its keys can't be read: obstore gives up a page for one such key.

A key with an empty, '.' or '..' part or a control character is no path to it, and so no recording of ours. Everything
else is listed: folder by folder where a page is lost, and in the folder of such a key behind it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import InvalidPathError
from obstore.store import ObjectStore

from emg_session.errors import StorageUnavailable

if TYPE_CHECKING:  # types only, absent at run time
    from obstore import ObjectMeta

T = TypeVar("T")

_PAGE_OBJECTS = 1000  # what S3 gives at once
_SECONDS_FOR_A_PAGE = 30.0
_MOST_UNREADABLE = 100
# obstore names the key in its sentence alone; what follows has it once more, with marks.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AFTER_SLASH, _AFTER_DELETE = "0", "\x80"  # in the order of bytes
_KEY = re.compile(r'[Pp]ath "(.*)"(?:: Encountered| contained)', re.DOTALL)


@dataclass(frozen=True)
class TreePage:
    """Some objects; `unreadable` 1 stands for a key that can't be read, and for those like it in the same place."""

    objects: "Sequence[ObjectMeta]"
    unreadable: int = 0


async def tree_pages(store: ObjectStore) -> AsyncIterator[TreePage]:
    """List everything; raises as obstore does, and StorageUnavailable past a hundred keys that can't be read."""
    unreadable = 0
    async for page in _pages(store, None):
        unreadable += page.unreadable
        if unreadable > _MOST_UNREADABLE:
            raise StorageUnavailable(f"more than {_MOST_UNREADABLE} keys of the bucket can't be read: rename them")
        yield page


async def _pages(store: ObjectStore, folder: str | None, after: str | None = None) -> AsyncIterator[TreePage]:
    """List all below a folder, behind a path; at a key that can't be read, go on folder by folder."""
    objects: list[ObjectMeta] = []
    behind = None
    try:
        chunk_size = _PAGE_OBJECTS if folder is None else 1  # of a chunk that fails, nothing is shown
        chunks = obstore.list(store, folder, offset=after, chunk_size=chunk_size).__aiter__()
        while chunk := await _in_time(anext(chunks, None)):
            objects.extend(chunk)
            if len(objects) >= _PAGE_OBJECTS:
                yield TreePage(objects)
                objects = []
    except InvalidPathError as error:
        behind = behind_unreadable(_key(error))
    if objects:
        yield TreePage(objects)
    if behind is None:
        return
    if after is not None and behind.encode() <= after.encode():
        raise StorageUnavailable("a bucket's listing does not go on behind a key that can't be read")
    async for found in _by_folder(store, folder, behind):
        yield found


async def _by_folder(store: ObjectStore, folder: str | None, behind: str) -> AsyncIterator[TreePage]:
    try:
        level = await _in_time(obstore.list_with_delimiter_async(store, folder))
    except InvalidPathError:  # one of this very folder: what comes before it on its page is lost
        yield TreePage([], unreadable=1)
        async for page in _pages(store, folder, after=behind):
            yield page
        return
    below = [name for name in level["common_prefixes"] if name]  # of a key that begins with a slash it is empty
    yield TreePage(level["objects"], unreadable=len(level["common_prefixes"]) - len(below))
    for name in below:
        async for page in _pages(store, name):
            yield page


def behind_unreadable(key: str) -> str:
    """Return a path that sorts behind this key, and behind those that can't be read for the same reason beside it."""
    readable: list[str] = []
    for part in key.split("/"):
        if part in ("", ".", ".."):
            return "/".join([*readable, f"{part}{_AFTER_SLASH}"])
        if control := _CONTROL.search(part):
            behind = " " if control[0] < " " else _AFTER_DELETE
            return "/".join([*readable, part[: control.start()] + behind])
        readable.append(part)
    raise StorageUnavailable("a key of the bucket can't be read, and nobody can tell why")


def _key(error: InvalidPathError) -> str:
    said = _KEY.search(str(error).partition("\n\nDebug source:")[0])
    if said is None:
        raise StorageUnavailable("a key of the bucket can't be read, and storage's client does not say which") from None
    return said[1]


async def _in_time(request: Awaitable[T]) -> T:
    return await asyncio.wait_for(request, _SECONDS_FOR_A_PAGE)
