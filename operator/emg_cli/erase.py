"""`emg erase` and `emg retain`."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from emg_cli.output import print_bytes, print_json
from emg_cli.site import Site
from emg_session.erasure import Erasure, Erasures, Expiry
from emg_session.errors import InvalidSettings, StorageUnavailable, UnknownBucket
from emg_session.recordings import Buckets, RecordingStore
from emg_session.resource import is_recording, subject_of

_Days = Annotated[int, Parameter(validator=Number(gte=1, lte=36_500))]


def erase(
    *,
    subject: str,
    reason: str,
    centre: str | None = None,
    recordings: bool = False,
    receipt: Path | None = None,
    data: Path | None = None,
) -> None:
    """Erase all that is stored of a subject, so that it does not come back, and print a receipt.

    Parameters
    ----------
    subject
        The subject's code, such as P001.
    reason
        Why: goes to the receipt and the audit log, so no names.
    centre
        Whose subject it is, where several centres use the code.
    recordings
        Delete the recordings in storage, too (EMG_BUCKETS).
    receipt
        A new file to write the receipt to as well.
    data
        The folder of a running `emg run`; else EMG_DATABASE_URL says where the database is.
    """
    if not (subject.strip() and reason.strip()):
        raise InvalidSettings("say whom with --subject and why with --reason")
    _claim(receipt)
    site = Site.of(data, with_buckets=recordings)
    encoded = asyncio.run(_erase(site, subject, centre, reason, with_recordings=recordings))
    if receipt:
        receipt.write_bytes(encoded)
    print_bytes(encoded)


def retain(*, days: _Days, data: Path | None = None) -> None:
    """Erase the sessions that were received more than so many days ago; recordings in storage stay.

    Parameters
    ----------
    days
        How old a session may be.
    data
        The folder of a running `emg run`; else EMG_DATABASE_URL says where the database is.
    """
    expiry = asyncio.run(_retain(Site.of(data), days))
    kept = {str(session): str(needed) for session, needed in expiry.kept.items()}
    print_json({"sessions_erased": expiry.sessions, "sessions_kept": kept})


def _claim(receipt: Path | None) -> None:
    """Make the receipt's file before anything is erased, so that none is left without."""
    if receipt is None:
        return
    try:
        receipt.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise InvalidSettings(f"{receipt} is there already: name a new file with --receipt") from error


async def _erase(site: Site, subject: str, centre: str | None, reason: str, *, with_recordings: bool) -> bytes:
    """Bury, delete recordings, then rows: stopped anywhere, the same command does the rest."""
    async with site.database() as database:
        erasures = Erasures(database)
        erasure = Erasure(subject=subject, centre=await erasures.centre_of(subject, centre), reason=reason)
        known = [recording.uri for recording in await erasures.bury(erasure)]
        deleted = await _delete_recordings(site.buckets, known, erasures, erasure) if with_recordings else None
        receipt = await erasures.erase(erasure, deleted, datetime.now(UTC))
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2)


async def _delete_recordings(buckets: Buckets, known: list[str], erasures: Erasures, erasure: Erasure) -> int:
    """Delete what rows name and what a listing shows; return how many there were."""
    store, found = RecordingStore(buckets), dict.fromkeys(known)
    for bucket in buckets.uris:
        async for page in store.list_pages(bucket):
            if page.passed_over:  # whose they are, nobody can tell
                raise StorageUnavailable(f"bucket {bucket} has keys that can't be read: rename or delete them first")
            mine = [o.uri for o in page.objects if is_recording(o.key) and subject_of(o.key) == erasure.subject]
            found |= dict.fromkeys(await erasures.in_centre(mine, erasure.centre) if mine else [])
    return sum([await _delete(store, uri) for uri in found])


async def _delete(store: RecordingStore, uri: str) -> bool:
    """Delete a recording; one of a bucket that is no longer ours, or of an earlier system's disk, is told of."""
    try:
        return await store.delete(uri)
    except UnknownBucket:
        sys.stderr.write("not deleted: a recording that is in no bucket of EMG_BUCKETS\n")
        return False


async def _retain(site: Site, days: int) -> Expiry:
    async with site.database() as database:
        return await Erasures(database).expire(days)
