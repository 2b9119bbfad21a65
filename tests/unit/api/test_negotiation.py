import gzip

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from emg_api.negotiation import Coding, MediaType, accepted_coding, accepted_media_type
from emg_api.packing import pack, packed_chunks
from emg_api.refusals import NotAcceptable

OFFERED = (MediaType.JSON, MediaType.ARROW, MediaType.FLOAT32)


def request(**headers: str) -> Request:
    fields = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "headers": fields})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", MediaType.JSON),
        ("*/*", MediaType.JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", MediaType.JSON),
        ("application/*", MediaType.JSON),
        ("application/vnd.apache.arrow.stream", MediaType.ARROW),
        ("Application/Octet-Stream ; q=1.0", MediaType.FLOAT32),
        ("application/json;q=0.5, application/octet-stream;q=0.9", MediaType.FLOAT32),
        ("application/json;q=0, */*", MediaType.ARROW),
        ("application/json; charset=utf-8", MediaType.JSON),
        ("*/*;q=0.1, application/vnd.apache.arrow.stream;q=0.2", MediaType.ARROW),
    ],
)
def test_the_type_that_is_liked_best_is_chosen(accept, expected):
    assert accepted_media_type(request(accept=accept), OFFERED) is expected


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "application/json;q=2", ";q=1,x"])
def test_what_cannot_be_had_is_refused_with_what_can(accept):
    with pytest.raises(NotAcceptable, match="this can be had as application/json, "):
        accepted_media_type(request(accept=accept), OFFERED)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Coding.IDENTITY),
        ("gzip, deflate, br, zstd", Coding.ZSTD),
        ("gzip, deflate, br", Coding.GZIP),
        ("gzip;q=1, zstd;q=0.5", Coding.GZIP),
        ("gzip;q=0", Coding.IDENTITY),
        ("gzip;q=0, *", Coding.ZSTD),
        ("*;q=0", Coding.IDENTITY),
        ("identity;q=1, gzip;q=0.5", Coding.IDENTITY),
        ("identity;q=0, gzip;q=0.001", Coding.GZIP),
        ("br", Coding.IDENTITY),
        ("GZIP", Coding.GZIP),
    ],
)
def test_the_coding_that_is_liked_best_is_chosen(accept, expected):
    assert accepted_coding(request(accept_encoding=accept)) is expected


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_no_header_breaks_the_choice(accept, encoding):
    asked = request(accept=accept, accept_encoding=encoding)
    assert accepted_coding(asked) in Coding
    try:
        assert accepted_media_type(asked, OFFERED) in OFFERED
    except NotAcceptable:
        assert accept.strip(" ,")


UNPACK = {Coding.ZSTD: zstd.decompress, Coding.GZIP: gzip.decompress, Coding.IDENTITY: bytes}


@given(st.lists(st.binary(max_size=2000), max_size=5), st.sampled_from(Coding))
def test_what_is_packed_unpacks_to_the_same_each_time(chunks, coding):
    packed = b"".join(packed_chunks(chunks, coding))
    assert UNPACK[coding](packed) == b"".join(chunks)
    assert b"".join(packed_chunks(chunks, coding)) == packed


def test_a_small_body_is_sent_as_it_is():
    assert pack(b"x" * 1023, Coding.GZIP).coding is Coding.IDENTITY
    assert len(pack(b"x" * 1024, Coding.GZIP).body) < 100
