import typing
from datetime import timedelta

import pytest

from emg_api.adapters.notice import Notice
from emg_cli.send import SenderName
from emg_local.notices import NOTICES, OPTIMIZED_PATH, Credentials, google_token
from emg_local.uploads import UploadedObject
from emg_session.errors import InvalidSettings
from emg_session.object_order import ObjectOrder
from tests.support.senders import GOOGLE_OPTIONS, NOW, adapter, credentials, raw

MD5_OF_RECORDING = "c3d0d5a8d3a4e6d7b1e0f5a4e8b9c1d2"
UPLOADED = UploadedObject(
    bucket="recordings", key="P001/é 1+1.c3d", size_bytes=9, md5=MD5_OF_RECORDING, modified_at=NOW
)


async def read(name: str, uploaded: UploadedObject = UPLOADED) -> Notice:
    sender = name.partition(".")[0]
    posting = NOTICES[name](uploaded, credentials(sender), NOW)
    assert posting.path in (f"/webhooks/{sender}", OPTIMIZED_PATH)
    (arrival,) = await adapter(sender).read(raw(posting.body, posting.headers), NOW)
    assert isinstance(arrival, Notice)
    return arrival


@pytest.mark.parametrize("name", NOTICES)
async def test_every_senders_notice_is_understood_by_its_adapter(name: str) -> None:
    notice = await read(name)

    assert (notice.bucket, notice.key) == ("recordings", "P001/é 1+1.c3d")
    assert (notice.version, notice.size_bytes) == (MD5_OF_RECORDING, 9)


@pytest.mark.parametrize("name", [name for name in NOTICES if not name.startswith("supabase")])
async def test_a_later_upload_is_the_newer_version(name: str) -> None:
    later = UploadedObject(**vars(UPLOADED) | {"md5": "ab" * 16, "modified_at": NOW + timedelta(milliseconds=1)})
    first, second = await read(name), await read(name, later)

    assert ObjectOrder.of(sequence=second.sequence).is_newer_than(ObjectOrder.of(sequence=first.sequence))


def test_every_notice_can_be_sent_by_its_name() -> None:
    assert set(typing.get_args(SenderName)) == set(NOTICES)


def test_a_file_is_described_as_storage_does(tmp_path) -> None:
    (tmp_path / "a.c3d").write_bytes(b"recording")
    uploaded = UploadedObject.of_file(tmp_path / "a.c3d", bucket="recordings", key="P001/a.c3d", modified_at=NOW)

    # Witness: printf recording | md5sum
    assert (uploaded.size_bytes, uploaded.md5) == (9, "fb89b9c2b78261ef2ab506e30d9c84f7")


@pytest.mark.parametrize("secret", ["no key", "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_private_key_makes_no_token(secret: str) -> None:
    with pytest.raises(InvalidSettings, match="give the private one in PEM"):
        google_token(Credentials(secret=secret, google=GOOGLE_OPTIONS), NOW)
