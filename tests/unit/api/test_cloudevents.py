import base64

import msgspec
import pytest

from emg_api.adapters.notice import Because, Ignored, Notice
from emg_api.refusals import NotJson, UnsupportedMedia, WrongShape
from tests.support.senders import NOW, RECORDED, adapter, proof, raw

STRUCTURED = "application/cloudevents+json; charset=UTF-8"
EVENT = msgspec.json.decode((RECORDED / "cloudevents-own.json").read_bytes())
EXPECTED = Notice(
    bucket="recordings",
    key="P001/one.c3d",
    version="9b2c4d",
    size_bytes=1000,
    sequence=("standard", "12"),
    delivery="/uploader 7",
)


async def read(payload: object, media_type: str = STRUCTURED, **headers: str):
    body = msgspec.json.encode(payload)
    given = proof("cloudevents", body) | {"content-type": media_type}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await adapter("cloudevents").read(raw(body, given), NOW)


async def test_attributes_may_be_headers():
    attributes = {"ce_specversion": "1.0", "ce_id": "7", "ce_source": "/uploader", "ce_type": "recording.created"}

    assert await read(EVENT["data"], "application/json", **attributes) == [EXPECTED]


async def test_attributes_in_headers_are_percent_encoded():
    attributes = {"ce_specversion": "1.0", "ce_id": "%C3%A9", "ce_source": "/a%20b", "ce_type": "recording.created"}

    (notice,) = await read(EVENT["data"], "application/json", **attributes)

    assert notice.delivery == "/a b é"


async def test_a_batch_is_several_events():
    assert await read([EVENT, EVENT | {"type": "other"}], "application/cloudevents-batch+json") == [
        EXPECTED,
        Ignored(Because.NOT_NEW, "its type is no new object"),
    ]


async def test_an_attribute_that_is_null_is_absent():
    assert await read(EVENT | {"subject": None, "data_base64": None}) == [EXPECTED]


async def test_data_may_be_in_base64():
    event = {name: value for name, value in EVENT.items() if name != "data"}
    encoded = base64.b64encode(msgspec.json.encode(EVENT["data"])).decode()

    assert await read(event | {"data_base64": encoded}) == [EXPECTED]


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"source": None},
        {"type": None},
        {"specversion": None},
        {"specversion": "0.3"},
        {"id": 7},
        {"id": "a\nb"},
        {"data": None},
        {"data": None, "data_base64": "!"},
    ],
)
async def test_an_event_that_lacks_what_every_event_has_is_refused(change):
    event = {name: value for name, value in (EVENT | change).items() if value is not None}
    with pytest.raises(WrongShape):
        await read(event)


async def test_data_that_is_not_json_is_refused():
    with pytest.raises(NotJson):
        await read(EVENT | {"data": None, "data_base64": base64.b64encode(b"{").decode()})


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/cloudevents+xml", "application/cloudevents"])
async def test_another_format_is_not_supported(media_type):
    with pytest.raises(UnsupportedMedia):
        await read(EVENT, media_type)


async def test_a_file_in_a_data_lake_that_is_not_written_yet_is_ignored():
    event = msgspec.json.decode((RECORDED / "azure-cloudevent.json").read_bytes())
    body = msgspec.json.encode([event | {"data": event["data"] | {"api": "CreateFile", "contentLength": 0}}, event])

    ignored, notice = await adapter("azure").read(raw(body, proof("azure", body)), NOW)

    assert ignored == Ignored(Because.NOT_NEW, "the file is not written yet")
    assert isinstance(notice, Notice)


@pytest.mark.parametrize("subject", ["", "/blobServices/default/containers/recordings", "https://evil.example/x.c3d"])
async def test_a_subject_that_names_no_blob_is_refused(subject):
    event = msgspec.json.decode((RECORDED / "azure-cloudevent.json").read_bytes())
    body = msgspec.json.encode(event | {"subject": subject})
    with pytest.raises(WrongShape, match="the subject names no blob"):
        await adapter("azure").read(raw(body, proof("azure", body)), NOW)
