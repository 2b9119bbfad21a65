"""The folder that `emg run` keeps everything in."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emg_api.adapters.options import SenderOptions
from emg_api.adapters.table import LEGACY_SENDER
from emg_api.senders import SenderSettings, check_keys
from emg_api.settings import senders_from_env
from emg_session.errors import InvalidSettings
from emg_session.recordings import Buckets

BUCKET = "recordings"


@dataclass(frozen=True)
class Place:
    """One data folder and what is where in it."""

    folder: Path

    @property
    def recordings(self) -> Path:
        """The bucket's objects."""
        return self.folder / BUCKET

    @property
    def cluster(self) -> Path:
        """Sessions, Jobs and pods."""
        return self.folder / "cluster"

    @property
    def log(self) -> Path:
        """What receiver, signals API and operator say."""
        return self.folder / "emg.log"

    @property
    def logs(self) -> Path:
        """What workers say."""
        return self.folder / "logs"

    @property
    def buckets(self) -> dict[str, str]:
        """EMG_BUCKETS for this folder."""
        return {BUCKET: self.recordings.as_uri()}

    def tell_database(self, url: str) -> None:
        """Write where the database is, for its owner's own queries; its port is another at each start."""
        _write_secret(self.folder / "database-url", url)

    def senders(self, env: Mapping[str, str]) -> tuple[SenderSettings, ...]:
        """Return the senders of the environment, or one with a key of our own, made once and readable by its owner."""
        buckets = Buckets(self.buckets)
        if env.get("EMG_WEBHOOK_SECRETS") or env.get("EMG_SENDERS"):
            return _with_our_own(senders_from_env(env, buckets))
        path = self.folder / "webhook-key"
        if not path.exists():
            _write_secret(path, secrets.token_urlsafe(32))
        keys = (path.read_text().strip(),)
        check_keys(keys, str(path))
        return (SenderSettings(name=LEGACY_SENDER, keys=keys, options=SenderOptions()),)


def first_key(senders: Sequence[SenderSettings]) -> str:
    """Return what our own notices are signed with."""
    return next(sender.keys[0] for sender in senders if sender.name == LEGACY_SENDER)


def _with_our_own(senders: tuple[SenderSettings, ...]) -> tuple[SenderSettings, ...]:
    if not any(sender.name == LEGACY_SENDER for sender in senders):
        raise InvalidSettings(
            f"EMG_WEBHOOK_SECRETS has no key for {LEGACY_SENDER}, as which `emg run` announces its own recordings"
        )
    return senders


@contextmanager
def opened_place(folder: Path) -> Iterator[Place]:
    """Make the folder where it is missing and keep others out; raises InvalidSettings where somebody is in it."""
    place = Place(folder.resolve())
    place.recordings.mkdir(parents=True, exist_ok=True)
    with (place.folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise InvalidSettings(
                f"{place.folder} is in use by process {lock.read().strip()}: stop it or choose another with --data"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield place


def _write_secret(path: Path, secret: str) -> None:
    """Write a file for its owner alone: it appears whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(secret)
    unfinished.replace(path)
