"""What each sender really sends, as its documentation shows it, and what its adapter makes of that."""

import pytest

from emg_api.adapters.notice import Because, Handshake, Ignored, Notice
from tests.support.senders import NOW, RECORDED, adapter, proof, raw

STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
NOT_NEW = Because.NOT_NEW


def notice(**changes: object) -> Notice:
    told = {"bucket": "recordings", "key": "P001/one.c3d", "version": "9b2c4d", "size_bytes": 1000} | changes
    return Notice(**told)


SUPABASE = [
    notice(
        key="P001/Ghostly_Emg_20230321_17-23-09-0409.c3d",
        version="d41d8cd98f00b204e9800998ecf8427e",
        size_bytes=1229632,
        modified_at=NOW,
    )
]
GOOGLE = notice(version="d41d8cd98f00b204e9800998ecf8427e", sequence=("gcs", "1772445600123456"))
AZURE = notice(
    version="0x8D4BCC2E4835CD0",
    sequence=("azure", "00000000000004420000000000028963"),
    delivery="831e1650-001e-001b-66ab-eeb76e069631",
)
SPOKEN_S3 = notice(
    key="P001/first session é.c3d", version="9b2c4d-2", size_bytes=2867920, sequence=("s3", "0055AED6DCD90281E5")
)
BRIDGED = notice(
    key="P001/first session+1.c3d",
    size_bytes=5,
    sequence=("s3", "617f08299329d189"),
    delivery="17793124-05d4-b198-2fde-7ededc63b103",
)
OWN = notice(sequence=("standard", "12"))


def told(one: Notice, delivery: str) -> Notice:
    return Notice(**vars(one) | {"delivery": delivery})


TABLE = [
    ("supabase-insert", "supabase", {}, SUPABASE),
    ("supabase-update-overwritten", "supabase", {}, [notice()]),
    ("supabase-update-read", "supabase", {}, [Ignored(NOT_NEW, "UPDATE is no new object")]),
    ("supabase-storage-api-put", "supabase", {}, [notice(delivery="req-1a2b", modified_at=NOW)]),
    ("supabase-storage-api-removed", "supabase", {}, [Ignored(NOT_NEW, "ObjectRemoved:Delete is no new object")]),
    ("s3-records", "s3", {}, [SPOKEN_S3, Ignored(NOT_NEW, "ObjectRemoved:Delete is no new object")]),
    ("s3-test-event", "s3", {}, [Ignored(Because.TRIAL, "a trial of the connection")]),
    ("s3-eventbridge", "s3", {}, [BRIDGED]),
    ("minio-put", "minio", {}, [notice(sequence=("minio", "17B2F1A8D1C3E5F7"))]),
    ("gcs-finalize", "gcs", {}, [told(GOOGLE, "10471223947261847")]),
    ("gcs-delete", "gcs", {}, [Ignored(NOT_NEW, "OBJECT_DELETE is no new object")]),
    ("azure-blob-created", "azure", {}, [AZURE]),
    ("azure-cloudevent", "azure", STRUCTURED, [AZURE]),
    ("azure-cloudevent", "cloudevents", STRUCTURED, None),
    ("azure-validation", "azure", {}, Handshake(answer={"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"})),
    (
        "cloudevents-google",
        "cloudevents",
        STRUCTURED,
        [told(GOOGLE, "//storage.googleapis.com/projects/_/buckets/recordings 1096434104173400")],
    ),
    ("cloudevents-own", "cloudevents", STRUCTURED, [told(OWN, "/uploader 7")]),
    ("standard-created", "standard", {}, [told(OWN, "msg_1")]),
    (
        "standard-other",
        "standard",
        {},
        [Ignored(NOT_NEW, "recording.deleted is no new recording: that is recording.created")],
    ),
]


@pytest.mark.parametrize(("name", "sender", "headers", "expected"), TABLE, ids=[f"{row[1]}-{row[0]}" for row in TABLE])
async def test_what_a_sender_posts_is_understood(name, sender, headers, expected):
    body = (RECORDED / f"{name}.json").read_bytes()
    reading = await adapter(sender).read(raw(body, proof(sender, body) | headers), NOW)

    source = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emg/providers"
    if expected is None:  # the same event under another name of its delivery
        expected = [told(AZURE, f"{source}/Microsoft.Storage/storageAccounts/example {AZURE.delivery}")]
    assert reading == expected


def test_every_recorded_payload_is_in_the_table():
    assert {path.stem for path in RECORDED.iterdir()} == {row[0] for row in TABLE}
