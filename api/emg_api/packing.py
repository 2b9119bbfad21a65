"""Packing answers with zstd or gzip; both take time, so call it beside the event loop."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from backports import zstd

from emg_api.negotiation import Coding

# Less than this fits into one packet anyway.
_FEWEST_BYTES = 1024
# The quickest: numbers like noise pack hardly better with more work.
_GZIP_LEVEL, _GZIP_CONTAINER = 1, 16 + zlib.MAX_WBITS
_ZSTD_LEVEL = 3


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


@dataclass(frozen=True)
class Packed:
    """A body as it is sent."""

    body: bytes
    coding: Coding


def pack(body: bytes, coding: Coding) -> Packed:
    """Pack a body, unless it is too small to gain by that."""
    if coding is Coding.IDENTITY or len(body) < _FEWEST_BYTES:
        return Packed(body, Coding.IDENTITY)
    return Packed(b"".join(packed_chunks([body], coding)), coding)


def packed_chunks(chunks: Iterable[bytes], coding: Coding) -> Iterator[bytes]:
    """Pack a body that comes in chunks; equal chunks give equal bytes."""
    packer = _packer(coding)
    if packer is None:
        yield from chunks
        return
    yield from filter(None, map(packer.compress, chunks))
    yield packer.flush()


def _packer(coding: Coding) -> _Packer | None:
    match coding:
        case Coding.ZSTD:
            return zstd.ZstdCompressor(level=_ZSTD_LEVEL)
        case Coding.GZIP:
            return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_CONTAINER)
        case Coding.IDENTITY:
            return None
