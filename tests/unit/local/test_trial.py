"""`emg try`: a failure names its step and says what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EMG = Path(sys.executable).with_name("emg")
NOBODY = "http://127.0.0.1:9"


def tried(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    (folder / "bucket").mkdir(exist_ok=True)
    settings = {
        "EMG_BUCKETS": json.dumps({"recordings": (folder / "bucket").as_uri()}),
        "EMG_WEBHOOK_SECRETS": '{"supabase": ["a-key-for-tests"]}',
        "PATH": os.environ["PATH"],
    }
    command = [EMG, "try", f"--receiver={NOBODY}", *arguments]
    return subprocess.run(command, env=settings | env, capture_output=True, text=True, check=False, timeout=600)


def test_a_receiver_that_is_not_there_is_named_with_the_step(tmp_path: Path) -> None:
    done = tried(tmp_path)
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"emg: failed while posting the notice of supabase to {NOBODY}: ")
    assert "is the receiver running?" in last
    assert len([*(tmp_path / "bucket").rglob("*.c3d")]) == 1


def test_a_storage_that_takes_nothing_is_named_with_the_step(tmp_path: Path) -> None:
    s3 = {"AWS_ENDPOINT_URL": NOBODY, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    done = tried(tmp_path, EMG_BUCKETS='{"recordings": "s3://recordings"}', **s3)
    assert "failed while uploading it as P000/trial-" in done.stderr
    assert "check AWS_ENDPOINT_URL" in done.stderr


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"EMG_BUCKETS": ""}, "EMG_BUCKETS is not set"),
        ({"EMG_WEBHOOK_SECRETS": "{}"}, "has a key for no sender that can be tried"),
    ],
)
def test_what_is_not_set_is_named(tmp_path: Path, env: dict[str, str], sentence: str) -> None:
    done = tried(tmp_path, **env)
    assert (done.returncode, sentence in done.stderr) == (2, True)
