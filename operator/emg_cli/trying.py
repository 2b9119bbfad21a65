"""`emg try` and `emg results`: what an installation does with a made-up recording, and what it found in a session."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from emg_cli.output import print_json
from emg_cli.send import SenderName, google_options, signing_secret
from emg_local.notices import Credentials
from emg_local.trial import Reader, Trial
from emg_session.errors import InvalidSettings, RecordingNotThere
from emg_session.recordings import Buckets
from emg_session.settings import required


def try_installation(
    *,
    receiver: str,
    signals: str | None = None,
    token_file: str | None = None,
    sender: SenderName | None = None,
    bucket: str | None = None,
    wait: bool = True,
) -> None:
    """Take a made-up recording through an installation; fails with a sentence that names the step.

    Parameters
    ----------
    receiver
        The receiver's address.
    signals
        The signals API's address; without it nothing is read back.
    token_file
        The file with the token for the signals API, /dev/stdin for standard input.
    sender
        Whose notice to post; the first that EMG_WEBHOOK_SECRETS has a key for if absent.
    bucket
        Where to put the recording; the first of EMG_BUCKETS if absent. The AWS_… keys have to be allowed to write.
    wait
        Wait for the analysis.
    """
    buckets = Buckets.from_json(required(os.environ, "EMG_BUCKETS", "where the recording can be put"))
    name = sender or _first_sender()
    trial = Trial(
        buckets=buckets,
        bucket=_known(bucket, buckets),
        receiver=receiver,
        sender=name,
        credentials=Credentials(secret=signing_secret(name.partition(".")[0]), google=google_options()),
        report=_report,
    )
    reader = _reader(signals, token_file) if signals else None
    print_json(asyncio.run(_tried(trial, reader, wait=wait)))


def results(*sessions: str, signals: str, token_file: str | None = None) -> None:
    """Print the summaries of sessions as JSON.

    Parameters
    ----------
    sessions
        Their names, also as `kubectl get emgsessions -o name` has them.
    signals
        The signals API's address.
    token_file
        The file with the token for the signals API, /dev/stdin for standard input.
    """
    reader = _reader(signals, token_file)

    async def summaries() -> dict[str, Any]:
        names = [session.rpartition("/")[2] for session in sessions]
        return {name: await reader.summary(name) for name in names}

    print_json(asyncio.run(summaries()))


async def _tried(trial: Trial, reader: Reader | None, *, wait: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        answer = await trial.post(Path(folder))
    session: str = answer["session_code"]
    if not wait:
        return {"session": session}
    await trial.await_end(answer["status_url"])
    summary = await trial.read(reader, session) if reader else {}
    return {"session": session, "scores": summary.get("scores")}


def _first_sender() -> SenderName:
    """Return a sender there is a key for; the chart makes one for supabase where none is set."""
    for name in ("supabase", "standard", "s3", "minio", "azure", "cloudevents"):
        try:
            signing_secret(name)
        except InvalidSettings:
            continue
        return name
    raise InvalidSettings("EMG_WEBHOOK_SECRETS has a key for no sender that can be tried: say which with --sender")


def _known(bucket: str | None, buckets: Buckets) -> str:
    name = bucket or min(buckets.uris, default="")
    if name not in buckets.uris:
        raise InvalidSettings(f"bucket {name!r} is not in EMG_BUCKETS")
    return name


def _reader(signals: str, token_file: str | None) -> Reader:
    return Reader(base_url=signals, token=_token(token_file) if token_file else "")


def _token(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise RecordingNotThere(f"no token in {file} ({error.strerror})") from error


def _report(step: str) -> None:
    sys.stderr.write(f"{step}\n")
