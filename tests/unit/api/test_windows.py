import asyncio
import gzip
import json

import emg_core
import numpy as np
import pytest
from arro3.io import read_ipc_stream
from backports import zstd

from emg_session.contract import WorkerContract
from emg_worker.work import Worker
from tests.support.needs import shared_data
from tests.support.web import inserted, post

RATE_HZ = 990.0
ARROW, FLOAT32 = "application/vnd.apache.arrow.stream", "application/octet-stream"


@pytest.fixture(scope="session")
def truth(recording_file):
    return emg_core.open(recording_file)


@pytest.fixture
async def session(web, recordings) -> str:
    """The code of a session that is not analysed yet."""
    code = (await post(web, inserted("P001/one.c3d"))).json()["session_code"]
    recordings.reads.clear()
    return code


@pytest.fixture
def analysed_as(sessions, recordings, summaries):
    """Do a worker's work with the profile named."""

    async def work(profile: str, code: str) -> None:
        sessions.manifests[code]["spec"]["profile"] = profile
        await Worker(WorkerContract.of(await sessions.load(code)), recordings, summaries).run()

    return work


async def window(web, code: str, query: str, **headers: str):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await web.get(f"/signals/jit/{code}/{query}", headers=fields)
    assert response.status_code == 200, response.text
    return response


def singles(values) -> np.ndarray:
    return np.array(values, dtype=np.float32)


async def test_every_sample_of_a_window_is_had_without_a_width(web, session, truth):
    answer = (await window(web, session, "CH1?start=1&end=2")).json()

    microvolts = singles(1e6 * truth["CH1"].samples[990:1980])
    np.testing.assert_array_equal(singles(answer["minimum"]), microvolts)
    assert answer["minimum"] == answer["maximum"]
    assert (answer["samples_per_pixel"], answer["envelope"], answer["rms"]) == (1.0, None, None)


@pytest.mark.parametrize(("start", "end"), [(0.0, 3.0), (7.3, 9.1), (17.0, 20.0), (5.0, 5.001)])
async def test_envelope_and_rms_of_a_window_are_those_of_the_whole_channel(web, session, truth, start, end):
    answer = (await window(web, session, f"CH1?start={start}&end={end}&signals=rms,envelope")).json()

    samples = truth["CH1"].samples
    faults = [(s, e) for kind, s, e in emg_core.faults(samples, RATE_HZ) if kind != "Saturated"]
    assert faults == []
    whole = emg_core.condition(samples, RATE_HZ)
    inside = slice(*(int(np.ceil(t * RATE_HZ - 1e-6)) for t in (start, end)))
    assert (answer["minimum"], answer["profile"]) == (None, "standard-1")
    for signal in ("envelope", "rms"):
        tolerance = 1e6 * whole[signal].max() * 2e-6  # a millionth where the filters begin, and float32
        np.testing.assert_allclose(answer[signal]["maximum"], 1e6 * whole[signal][inside], rtol=0, atol=tolerance)


@pytest.mark.parametrize("profile", ["standard-1", "ghostly-2"])
async def test_envelopes_are_made_as_the_sessions_profile_says(web, session, truth, analysed_as, profile):
    await analysed_as(profile, session)

    answer = (await window(web, session, "CH1?signals=envelope,rms")).json()

    samples = truth["CH1"].samples
    expected = {
        "standard-1": lambda: emg_core.condition(samples, RATE_HZ),
        "ghostly-2": lambda: {
            "envelope": emg_core.envelope(samples, RATE_HZ),
            "rms": emg_core.moving_rms(samples, RATE_HZ),
        },
    }[profile]()
    assert answer["profile"] == profile
    for signal in ("envelope", "rms"):
        np.testing.assert_array_equal(singles(answer[signal]["minimum"]), singles(1e6 * expected[signal]))


async def test_an_envelope_has_a_gap_where_nothing_was_recorded(web, bucket, analysed_as):
    real = shared_data("c3d/real/ghostly/Ghostly_Emg_20230321_17-50-17-0881.c3d")
    (bucket / "P001" / "real.c3d").write_bytes(real.read_bytes())
    code = (await post(web, inserted("P001/real.c3d"))).json()["session_code"]
    fill = slice(18_000 - 17_820, 18_270 - 17_820)
    for analysed in (False, True):
        if analysed:
            await analysed_as("standard-1", code)
        answer = (await window(web, code, "CH1?start=18&end=19&signals=raw,envelope")).json()
        envelope = answer["envelope"]["minimum"]
        assert envelope[fill] == [None] * 270
        assert None not in envelope[: fill.start] + envelope[fill.stop :]
    assert answer["gaps"] == [{"start_seconds": 18_000 / RATE_HZ, "end_seconds": 18_270 / RATE_HZ}]


async def test_several_channels_come_from_one_read(web, session, recordings):
    answer = (await window(web, session, "windows?channel=ch2&channel=CH1%20Raw&start=2&end=3&width=50")).json()

    assert [channel["channel_name"] for channel in answer["channels"]] == ["CH2 Raw", "CH1 Raw"]
    for channel in answer["channels"]:
        alone = (await window(web, session, f"{channel['channel_name']}?start=2&end=3&width=50")).json()
        assert channel.items() <= alone.items()
    assert len(answer["time_axis"]) == 50
    assert len(recordings.reads) == 4  # the header; the window once for both, once for each


async def test_all_channels_are_had_where_none_is_named(web, session):
    answer = (await window(web, session, "windows?width=10")).json()

    assert [c["channel_name"] for c in answer["channels"]] == ["CH1 Raw", "CH2 Raw", "CH1 activated", "CH2 activated"]


async def test_an_arrow_stream_holds_what_the_json_does(web, session):
    query = "windows?channel=CH1&channel=CH2&start=3&end=5&width=200&signals=raw,rms"
    answer = (await window(web, session, query)).json()
    response = await window(web, session, query, accept=ARROW)
    table = read_ipc_stream(response.content).read_all()

    assert response.headers["content-type"] == ARROW
    names = [f"{c} Raw {s} {e}" for c in ("CH1", "CH2") for s in ("raw", "rms") for e in ("minimum", "maximum")]
    assert table.column_names == ["time_s", *names]
    np.testing.assert_array_equal(table["time_s"].to_numpy(), answer["time_axis"])
    first, second = answer["channels"]
    np.testing.assert_array_equal(table["CH1 Raw raw maximum"].to_numpy(), singles(first["maximum"]))
    np.testing.assert_array_equal(table["CH2 Raw rms minimum"].to_numpy(), singles(second["rms"]["minimum"]))
    told = json.loads(table.schema.metadata[b"window"])
    assert told["channels"][0] == {key: first[key] for key in told["channels"][0]}
    assert told["sampling_rate"] == RATE_HZ


async def test_bare_numbers_are_each_signals_minima_then_its_maxima(web, session):
    answer = (await window(web, session, "CH1?start=3&end=5&width=200&signals=raw,envelope")).json()
    response = await window(web, session, "CH1?start=3&end=5&width=200&signals=raw,envelope", accept=FLOAT32)

    numbers = np.frombuffer(response.content, "<f4").reshape(2, 2, 200)
    expected = [[answer["minimum"], answer["maximum"]], [answer["envelope"][e] for e in ("minimum", "maximum")]]
    np.testing.assert_array_equal(numbers, singles(expected))


async def test_a_whole_channel_as_bare_numbers_is_every_sample(web, session, truth):
    response = await window(web, session, "CH1", accept=FLOAT32)

    samples = singles(1e6 * truth["CH1"].samples)
    np.testing.assert_array_equal(np.frombuffer(response.content, "<f4").reshape(2, -1), [samples, samples])


@pytest.mark.parametrize(("coding", "unpack"), [("gzip", gzip.decompress), ("zstd", zstd.decompress)])
@pytest.mark.parametrize("path", ["CH1", "CH1?width=500", "channels", "windows?width=500"])
async def test_answers_are_packed_as_their_reader_likes(web, session, coding, unpack, path):
    url = f"/signals/jit/{session}/{path}"
    plain = await web.get(url, headers={"accept-encoding": "identity"})

    async with web.stream("GET", url, headers={"accept-encoding": f"{coding}, br;q=0.1"}) as response:
        packed = b"".join([chunk async for chunk in response.aiter_raw()])

    small = path == "channels"  # less than a kilobyte
    assert response.headers.get("content-encoding") == (None if small else coding)
    body = json.loads(packed if small else unpack(packed))
    assert {**body, "generated_at": ""} == {**plain.json(), "generated_at": ""}
    assert response.headers["etag"] != plain.headers["etag"]
    assert {response.headers["vary"], plain.headers["vary"]} == {"accept, accept-encoding"}


async def test_bare_numbers_are_never_packed(web, session):
    response = await window(web, session, "CH1?width=2000", accept=FLOAT32, accept_encoding="zstd, gzip")

    assert ("content-encoding" in response.headers, len(response.content)) == (False, 16_000)


async def test_each_form_of_an_answer_has_a_tag_of_its_own(web, session):
    types, codings = ["application/json", ARROW], ["identity", "gzip", "zstd"]
    forms = [{"accept": media_type, "accept_encoding": coding} for media_type in types for coding in codings]
    forms.append({"accept": FLOAT32})

    tags = {(await window(web, session, "CH1?width=500", **form)).headers["etag"] for form in forms}

    assert len(tags) == len(forms)


@pytest.mark.parametrize("path", ["CH1", "CH1?width=50", "channels", "windows?width=50"])
async def test_a_page_that_cannot_be_had_as_html_says_what_it_can_be_had_as(web, session, path):
    response = await web.get(f"/signals/jit/{session}/{path}", headers={"accept": "text/html"})

    assert (response.status_code, response.json()["type"]) == (406, "urn:emg-operator:problem:not-acceptable")


@pytest.mark.parametrize("path", ["CH1", "CH1?width=500", "channels", "windows?width=500"])
async def test_the_headers_can_be_had_alone(web, session, path):
    url = f"/signals/jit/{session}/{path}"

    same = {"x-request-id": "one"}
    head, get = await web.head(url, headers=same), await web.get(url, headers=same)

    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers} == {**get.headers}


async def test_a_part_of_an_answer_cannot_be_had(web, session):
    response = await web.get(f"/signals/jit/{session}/CH1?width=50", headers={"range": "bytes=0-10"})

    assert (response.status_code, response.json()["success"]) == (200, True)  # RFC 9110 §14.2: it may be ignored


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("windows?" + "&".join(["channel=CH1"] * 33), "Expected `array` of length <= 32 - at `$.channel`"),
        ("windows?channel=", "Expected `str` of length >= 1 - at `$.channel[0]`"),
        (
            "windows?channel=%00",
            "Expected `str` matching regex '^[^\\\\x00-\\\\x1f\\\\x7f]*$' - at `$.channel[0]`",
        ),
        ("windows?width=1&width=2", "each parameter may be given once"),
        ("windows?signals=raw&signals=rms", "each parameter may be given once"),
        ("CH1?start=86401", "Expected `float` <= 86400.0 - at `$.start`"),
        ("CH1?end=inf", "Expected `float` <= 86400.0 - at `$.end`"),
        ("CH1?end=1e999", "Number out of range - at `$.end`"),
        ("CH1?width=5.5", "Expected `int | null`, got `str` - at `$.width`"),
        ("CH1?width=99999999999999999999999", "Expected `int` <= 10000 - at `$.width`"),
    ],
)
async def test_a_query_out_of_bounds_names_the_bound(web, session, path, detail):
    response = await web.get(f"/signals/jit/{session}/{path}")

    assert (response.status_code, response.json()["detail"]) == (422, detail)


async def test_what_only_the_json_form_has_is_refused_for_others(web, session):
    response = await web.get(f"/signals/jit/{session}/CH1?include_rms=false", headers={"accept": ARROW})

    assert (response.status_code, response.json()["detail"][:43]) == (
        422,
        "include_rms and downsample_factor are of ap",
    )


async def test_the_same_window_is_read_once_for_all_who_ask_at_once_and_soon_after(web, session, recordings):
    path = f"/signals/jit/{session}/CH1?start=2&end=4&width=100"
    answers = await asyncio.gather(*(web.get(path) for _ in range(8)))
    again = await web.get(path)

    assert len(recordings.reads) == 2
    assert {answer.content for answer in [*answers, again]} == {again.content}
