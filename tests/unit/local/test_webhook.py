import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path

from emg_api.adapters import supabase
from emg_api.adapters.notice import Notice
from emg_local.webhook import UploadedObject, signed_headers, supabase_notice

NOW = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)


def uploaded(folder: Path) -> UploadedObject:
    (folder / "a.c3d").write_bytes(b"recording")
    return UploadedObject.of_file(folder / "a.c3d", bucket="recordings", key="P001/a.c3d", modified_at=NOW)


def test_a_notice_has_the_fields_of_a_row_in_storage_objects(tmp_path: Path) -> None:
    notice = json.loads(supabase_notice(uploaded(tmp_path)))
    record = notice["record"]
    assert (notice["type"], notice["schema"], notice["table"]) == ("INSERT", "storage", "objects")
    assert (record["bucket_id"], record["name"]) == ("recordings", "P001/a.c3d")
    assert (record["metadata"]["size"], record["path_tokens"]) == (9, ["P001", "a.c3d"])
    assert record["metadata"]["eTag"] == f'"{hashlib.md5(b"recording").hexdigest()}"'


def test_the_signature_is_the_hmac_of_the_body() -> None:
    expected = hmac.new(b"key", b"body", "sha256").hexdigest()
    assert signed_headers(b"body", "key")["X-Supabase-Signature"] == f"sha256={expected}"


def test_the_receiver_understands_the_notice(tmp_path: Path) -> None:
    body = supabase_notice(uploaded(tmp_path))
    headers = {name.lower(): value for name, value in signed_headers(body, "key").items()}
    (arrival,) = supabase.parse(body, headers, ["key"])
    assert isinstance(arrival, Notice)
    assert (arrival.bucket, arrival.key, arrival.size_bytes) == ("recordings", "P001/a.c3d", 9)
