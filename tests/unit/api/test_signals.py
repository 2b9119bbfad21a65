import itertools
from datetime import datetime
from typing import Any

import emg_core
import numpy as np
import pytest

from emg_api.bands import Band
from emg_api.marks import silent_samples
from emg_api.whole import largest_of_each
from emg_session.contract import WorkerContract
from emg_worker.work import Worker
from tests.support.needs import shared_data
from tests.support.recordings import synthetic_recording
from tests.support.web import inserted, post

RATE_HZ = 990.0


@pytest.fixture(scope="session")
def truth(recording_file):
    """The same recording, whole and in memory."""
    return emg_core.open(recording_file)


@pytest.fixture
async def session(web, recordings) -> str:
    """The code of a session that is not analysed yet."""
    answer = (await post(web, inserted("P001/one.c3d"))).json()
    recordings.reads.clear()
    return answer["session_code"]


@pytest.fixture
async def analysed(session, sessions, recordings, summaries) -> str:
    """The code of a session that a worker has analysed."""
    await Worker(WorkerContract.of(await sessions.load(session)), recordings, summaries).run()
    recordings.reads.clear()
    return session


async def test_channels_are_listed_before_the_analysis(web, session, truth):
    answer = (await web.get(f"/signals/jit/{session}/channels")).json()

    assert answer == {
        "success": True,
        "channel_names": ["CH1 Raw", "CH2 Raw", "CH1 activated", "CH2 activated"],
        "channel_count": 4,
        "sampling_rate": RATE_HZ,
        "duration_seconds": len(truth["CH1"].samples) / RATE_HZ,
        "jit_enabled": True,
        "channels": [
            {"name": "CH1 Raw", "muscle": "CH1", "role": "raw", "unit": "V", "quality": None},
            {"name": "CH2 Raw", "muscle": "CH2", "role": "raw", "unit": "V", "quality": None},
            {"name": "CH1 activated", "muscle": "CH1", "role": "activated", "unit": "V", "quality": None},
            {"name": "CH2 activated", "muscle": "CH2", "role": "activated", "unit": "V", "quality": None},
        ],
        "note": "No samples are stored: each channel is read from the recording when it is asked for.",
    }


async def test_channels_have_the_analysiss_verdict(web, analysed, summaries):
    answer = (await web.get(f"/signals/jit/{analysed}/channels")).json()

    summary = summaries.session(analysed).analytics_summary
    assert [(c["name"], c["quality"]) for c in answer["channels"]] == [
        (c["name"], c["verdict"]) for c in summary["channels"]
    ]


async def test_a_whole_channel_is_what_the_recording_holds(web, session, truth):
    answer = (await web.get(f"/signals/jit/{session}/CH1 Raw")).json()

    samples = truth["CH1 Raw"].samples
    assert answer.keys() == {
        "success",
        "channel_name",
        "data",
        "time_axis",
        "rms_envelope",
        "sampling_rate",
        "duration_seconds",
        "generated_at",
        "cache_note",
    }
    assert (answer["channel_name"], answer["sampling_rate"]) == ("CH1 Raw", RATE_HZ)
    assert answer["duration_seconds"] == len(samples) / RATE_HZ
    np.testing.assert_array_equal(answer["data"], samples)
    np.testing.assert_array_equal(answer["time_axis"], np.arange(len(samples)) / RATE_HZ)
    np.testing.assert_array_equal(answer["rms_envelope"], emg_core.moving_rms(samples, RATE_HZ, 50))


@pytest.mark.parametrize(
    "query", ["", "?include_rms=true&downsample_factor=1", "?downsample_factor=3", "?include_rms=false"]
)
async def test_a_whole_channel_has_the_earlier_systems_shape_field_by_field(web, session, query):
    answer = (await web.get(f"/signals/jit/{session}/ch2{query}")).json()

    rms = type(None) if "include_rms=false" in query else list
    assert [(name, type(value)) for name, value in answer.items()] == [
        ("success", bool),
        ("channel_name", str),
        ("data", list),
        ("time_axis", list),
        ("rms_envelope", rms),
        ("sampling_rate", float),
        ("duration_seconds", float),
        ("generated_at", str),
        ("cache_note", str),
    ]
    arrays = arrays_of(answer)
    assert len(set(map(len, arrays))) == 1
    assert set(map(type, itertools.chain(*arrays))) == {float}
    assert datetime.fromisoformat(answer["generated_at"]).tzinfo is not None


def arrays_of(answer: dict[str, Any]) -> list[list[float]]:
    return [answer[name] for name in ("data", "time_axis", "rms_envelope") if answer[name] is not None]


async def test_downsampling_keeps_the_peaks_and_the_true_rate(web, session, truth):
    answer = (await web.get(f"/signals/jit/{session}/CH1?downsample_factor=7&include_rms=false")).json()

    samples = truth["CH1 Raw"].samples
    assert np.abs(answer["data"]).max() == np.abs(samples).max()
    assert len(answer["data"]) == -(-len(samples) // 7)
    np.testing.assert_array_equal(
        samples[np.round(np.multiply(answer["time_axis"], RATE_HZ)).astype(int)], answer["data"]
    )
    assert (answer["sampling_rate"], answer["duration_seconds"]) == (RATE_HZ, len(samples) / RATE_HZ)
    assert answer["rms_envelope"] is None


@pytest.mark.parametrize("name", ["ch1 raw", "CH1", "ch1", "CH1%20Raw"])
async def test_names_match_without_case_and_a_muscle_is_its_raw_channel(web, session, name):
    answer = (await web.get(f"/signals/jit/{session}/{name}?width=10")).json()

    assert answer["channel_name"] == "CH1 Raw"


@pytest.mark.parametrize("width", [1, 7, 500, 2000])
async def test_a_windows_extremes_are_the_samples_extremes(web, session, truth, width):
    answer = (await web.get(f"/signals/jit/{session}/CH1?start=2.5&end=9.1&width={width}")).json()

    microvolts = 1e6 * truth["CH1"].samples[2475:9009]
    assert (answer["unit"], answer["start_seconds"], answer["end_seconds"]) == ("µV", 2475 / RATE_HZ, 9009 / RATE_HZ)
    assert len(answer["time_axis"]) == len(answer["minimum"]) == len(answer["maximum"]) == width
    assert answer["samples_per_pixel"] == 6534 / width
    for pixel in {0, width // 2, width - 1}:
        inside = microvolts[pixel * 6534 // width : (pixel + 1) * 6534 // width].astype(np.float32)
        assert np.float32(answer["minimum"][pixel]) == inside.min()
        assert np.float32(answer["maximum"][pixel]) == inside.max()
    assert np.float32(max(answer["maximum"])) == microvolts.astype(np.float32).max()


async def test_a_window_narrower_than_its_pixels_has_one_point_for_each_sample(web, session):
    answer = (await web.get(f"/signals/jit/{session}/CH1?start=1&end=1.01&width=2000")).json()

    assert answer["time_axis"] == [round(sample / RATE_HZ, 4) for sample in range(990, 1000)]
    assert answer["minimum"] == answer["maximum"]


async def test_a_window_costs_the_header_once_and_one_read_of_its_frames(web, session, recordings):
    await web.get(f"/signals/jit/{session}/CH1?start=2&end=4&width=100")
    await web.get(f"/signals/jit/{session}/CH2?start=4&end=6&width=100")

    header, first, second = recordings.reads
    frame_bytes = 30 * 4 * 4 + 4 * 4
    assert header == (0, 4096)
    assert [end - start for start, end in (first, second)] == [66 * frame_bytes, 66 * frame_bytes]


async def test_a_window_shows_its_contractions(web, analysed, summaries):
    (muscle, _) = summaries.session(analysed).analytics_summary["muscles"]
    first, *_, last = muscle["contractions"]

    whole = (await web.get(f"/signals/jit/{analysed}/CH1?width=100")).json()
    part = (await web.get(f"/signals/jit/{analysed}/CH1?width=100&end={first['end_ms'] / 1000}")).json()

    assert part["contractions"] == [
        {
            "start_seconds": first["start_ms"] / 1000,
            "end_seconds": first["end_ms"] / 1000,
            "is_good": first["is_good"],
        }
    ]
    assert whole["contractions"][0] == part["contractions"][0]
    assert whole["contractions"][-1]["end_seconds"] == last["end_ms"] / 1000


async def test_a_wide_window_of_a_real_recording_stays_small(web, bucket):
    real = shared_data("c3d/real/ghostly/Ghostly_Emg_20230321_17-50-17-0881.c3d")
    (bucket / "P001" / "real.c3d").write_bytes(real.read_bytes())
    code = (await post(web, inserted("P001/real.c3d"))).json()["session_code"]

    response = await web.get(f"/signals/jit/{code}/CH1?width=2000")

    microvolts = (1e6 * emg_core.open(real)["CH1"].samples).astype(np.float32)
    assert len(response.content) <= 64_000
    assert np.float32(min(response.json()["minimum"])) == microvolts.min()
    assert np.float32(max(response.json()["maximum"])) == microvolts.max()


async def test_a_fill_is_a_gap_once_it_is_found(web, bucket, sessions, recordings, summaries):
    real = shared_data("c3d/real/ghostly/Ghostly_Emg_20230321_17-50-17-0881.c3d")
    (bucket / "P001" / "real.c3d").write_bytes(real.read_bytes())
    code = (await post(web, inserted("P001/real.c3d"))).json()["session_code"]
    url = f"/signals/jit/{code}/CH1?start=18&end=19&width=990"  # one sample for each pixel
    before = (await web.get(url)).json()
    await Worker(WorkerContract.of(await sessions.load(code)), recordings, summaries).run()

    answer = (await web.get(url)).json()

    fill = slice(18_000 - 17_820, 18_270 - 17_820)
    assert (before["faults"], min(before["minimum"][fill])) == ([], pytest.approx(-5500.08))
    assert answer["minimum"][fill] == answer["maximum"][fill] == [None] * 270
    assert None not in answer["minimum"][: fill.start] + answer["maximum"][fill.stop :]
    assert answer["faults"] == [{"kind": "Dropout", "start_seconds": 18.181818, "end_seconds": 18.454545}]


def test_gaps_are_cut_to_the_window_and_saturation_is_none():
    rows = [
        {"kind": kind, "start_sample": start, "end_sample": end}
        for kind, start, end in [("Flat", 5, 12), ("Saturated", 13, 15), ("NonFinite", 18, 40), ("Dropout", 40, 50)]
    ]
    samples = np.arange(20.0)[10:]
    band = Band(10, 10, silent_samples(rows, first_sample=10, count=10))
    band.add(0, samples[:4])
    band.add(4, samples[4:])
    np.testing.assert_array_equal(band.minimum, [np.nan, np.nan, 12, 13, 14, 15, 16, 17, np.nan, np.nan])


def test_a_number_is_kept_rather_than_what_is_none():
    samples = np.array([1.0, np.nan, -3.0, np.nan, np.inf, 2.0, np.nan])
    assert largest_of_each(samples, 3).tolist() == [2, 5, 6]


@pytest.fixture
async def long_session(web, bucket, recordings) -> str:
    """The code of a session whose recording takes more than one read."""
    path = synthetic_recording(bucket / "P001", seed=2, seconds=610)
    answer = (await post(web, inserted(f"P001/{path.name}"))).json()
    recordings.reads.clear()
    return answer["session_code"]


async def test_a_whole_channel_of_a_long_recording_is_refused_before_it_is_read(web, long_session, recordings):
    response = await web.get(f"/signals/jit/{long_session}/CH1")

    assert (response.status_code, response.json()["type"]) == (422, "urn:emg-operator:problem:bad-query")
    assert response.json()["detail"].startswith(
        "the channel has 603900 samples, and a whole one is served up to 600000: ask for a window"
    )
    assert recordings.reads == [(0, 4096)]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("CH1?end=606.061&signals=raw", "these are 600001 points, and 600000 can be had at once"),
        ("windows?channel=CH1&channel=CH2&end=500", "these are 990000 points, and 600000 can be had at once"),
        (
            "windows?width=9&signals=raw,rms&end=303.1",
            "envelope and rms of so many channels can be had for 303 s at once",
        ),
    ],
)
async def test_more_than_a_screen_can_show_is_refused_before_it_is_read(web, long_session, recordings, path, detail):
    response = await web.get(f"/signals/jit/{long_session}/{path}", headers={"accept": "application/octet-stream"})

    assert (response.status_code, response.json()["detail"].partition(":")[0]) == (422, detail)
    assert recordings.reads == [(0, 4096)]


async def test_a_wide_window_of_a_long_recording_is_read_in_pieces(web, long_session, recordings, bucket):
    answer = (await web.get(f"/signals/jit/{long_session}/CH1?width=100")).json()

    microvolts = 1e6 * emg_core.open(bucket / "P001" / "synthetic-2.c3d")["CH1"].samples
    minimum, maximum = emg_core.min_max(microvolts, 100)
    np.testing.assert_array_equal(np.float32(answer["minimum"]), np.float32(minimum))
    np.testing.assert_array_equal(np.float32(answer["maximum"]), np.float32(maximum))
    _, *pieces = recordings.reads
    assert len(pieces) == 5
    assert max(end - start for start, end in pieces) <= 2 * 1024 * 1024


async def test_a_session_is_found_by_its_id_too(web, session):
    by_code = await web.get(f"/sessions/{session}")
    by_id = await web.get(f"/sessions/{by_code.json()['session']['session_id']}")

    assert by_id.json() == by_code.json()


@pytest.mark.parametrize("path", ["channels", "CH1", "CH1?width=100&start=1"])
async def test_what_the_browser_has_is_not_read_again(web, session, recordings, path):
    first = await web.get(f"/signals/jit/{session}/{path}")
    recordings.reads.clear()

    again = await web.get(
        f"/signals/jit/{session}/{path}", headers={"if-none-match": f'"other", {first.headers["etag"]}'}
    )

    assert (again.status_code, again.content, recordings.reads) == (304, b"", [])
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"] == "private"


async def test_any_tag_stands_for_what_exists_only(web, session):
    known = await web.get(f"/signals/jit/{session}/CH1", headers={"if-none-match": "*"})
    unknown = await web.get(f"/signals/jit/{session}/CH9", headers={"if-none-match": "*"})

    assert (known.status_code, unknown.status_code) == (304, 404)


async def test_a_tag_is_strong_only_where_the_bytes_are_the_same_each_time(web, session):
    whole = [await web.get(f"/signals/jit/{session}/CH1") for _ in range(2)]
    window = [await web.get(f"/signals/jit/{session}/CH1?width=50") for _ in range(2)]

    assert whole[0].content != whole[1].content
    assert whole[0].headers["etag"] == whole[1].headers["etag"]
    assert whole[0].headers["etag"].startswith('W/"')
    assert window[0].content == window[1].content
    assert window[0].headers["etag"].startswith('"')


async def test_another_query_or_a_new_analysis_has_another_tag(web, session, sessions, recordings, summaries):
    url = f"/signals/jit/{session}/CH1?width=100"
    tags = [(await web.get(url)).headers["etag"], (await web.get(f"{url}&start=1")).headers["etag"]]
    await Worker(WorkerContract.of(await sessions.load(session)), recordings, summaries).run()
    tags.append((await web.get(url)).headers["etag"])

    assert len(set(tags)) == 3


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("width=0", "Expected `int` >= 1 - at `$.width`"),
        ("width=10001", "Expected `int` <= 10000 - at `$.width`"),
        ("width=10&start=-1", "Expected `float` >= 0.0 - at `$.start`"),
        ("width=10&start=nan", "Expected `float` >= 0.0 - at `$.start`"),
        ("signals=raw,power", "Expected `str` matching regex"),
        ("signals=", "Expected `str` matching regex"),
        ("width=10&start=5&end=5", "no sample lies in start ≤ t < end"),
        ("width=10&start=1000", "no sample lies in start ≤ t < end"),
        ("width=10&pixels=5", "unknown: pixels; known here: profile, width, start, end, signals"),
        ("width=10&width=20", "each parameter may be given once"),
        ("downsample_factor=0", "Expected `int` >= 1 - at `$.downsample_factor`"),
        ("include_rms=maybe", "Expected `bool`, got `str` - at `$.include_rms`"),
    ],
)
async def test_a_query_out_of_bounds_names_the_bound(web, session, query, detail):
    response = await web.get(f"/signals/jit/{session}/CH1?{query}")

    assert (response.status_code, response.json()["type"]) == (422, "urn:emg-operator:problem:bad-query")
    assert response.json()["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/signals/jit/emg-aaaaaaaaaaaa/channels", "session-not-found"),
        ("/signals/jit/%00/CH1", "session-not-found"),
        ("/sessions/nobody", "session-not-found"),
        ("/signals/jit/{session}/CH9", "channel-not-found"),
        ("/sessions/{session}/summary", "not-analysed-yet"),
    ],
)
async def test_what_is_not_there_is_a_problem_with_a_stable_type(web, session, path, slug):
    response = await web.get(path.format(session=session))

    assert (response.status_code, response.json()["type"]) == (404, f"urn:emg-operator:problem:{slug}")


async def test_a_recording_that_was_overwritten_is_a_conflict(web, session, bucket):
    (bucket / "P001" / "one.c3d").write_bytes(b"something else")

    response = await web.get(f"/signals/jit/{session}/channels")

    assert (response.status_code, response.json()["type"]) == (409, "urn:emg-operator:problem:recording-changed")


async def test_without_the_database_signals_are_for_later(web, session, summaries):
    summaries.away = True

    response = await web.get(f"/signals/jit/{session}/channels")

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
