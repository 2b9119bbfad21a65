import re

import numpy as np
import pytest
from scipy import signal

from emg_cli.kubectl.why import EXPLANATIONS
from emg_session.status import Reason
from tests.support.viewer_modules import SOURCES, evaluate

CORE = SOURCES.parents[3] / "emg_core_rs" / "src"
LANGUAGES = ("en", "de", "fr", "nl")


@pytest.fixture(scope="module")
def words() -> dict[str, dict[str, str]]:
    files = {language: f"strings/{language}.js" for language in LANGUAGES}
    return evaluate(f"{{{', '.join(f'{name}: {name}.{name}' for name in LANGUAGES)}}}", **files)


def source() -> str:
    return "\n".join(path.read_text() for path in SOURCES.glob("*.js"))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_all_words_and_their_places(words, language):
    places = {key: sorted(re.findall(r"{\w+}", text)) for key, text in words["en"].items()}

    assert {key: sorted(re.findall(r"{\w+}", text)) for key, text in words[language].items()} == places


def test_every_word_that_is_asked_for_is_there(words):
    asked = set(re.findall(r'\bt\("([\w.]+)"', source()))

    assert asked - set(words["en"]) == set()


def test_every_word_that_is_there_can_be_asked_for(words):
    """Groups are asked for by a code: t(`group.${code}`), word("group", code) or a key beside."""
    text = source()
    groups = set(re.findall(r"`(\w+)\.\$\{", text)) | set(re.findall(r'word\("(\w+)"', text)) | {"reason", "flag"}
    unused = {key for key in words["en"] if f'"{key}"' not in text and key.partition(".")[0] not in groups}

    assert unused == set()


def test_why_a_session_has_no_result_is_told_in_the_words_of_kubectl_emg_why(words):
    """The first fourteen reasons are those of the condition Succeeded."""
    told = list(Reason)[:14]

    for group, sentence in (("cause", "cause"), ("step", "next_step")):
        expected = {reason.value: getattr(EXPLANATIONS[reason], sentence) for reason in told}
        found = {k.removeprefix(f"{group}."): text for k, text in words["en"].items() if k.startswith(f"{group}.")}
        assert found == expected
    assert {f"state.{reason.value}" for reason in told} <= set(words["en"])


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_sentence_was_left_in_english(words, language):
    same = [text for key, text in words["en"].items() if words[language][key] == text]

    assert [text for text in same if len(re.sub(r"{\w+}", "", text).split()) > 2] == []


def test_every_reason_why_a_score_is_without_a_part_has_words(words):
    body = (CORE / "scores.rs").read_text().partition("fn renormalized(")[2].partition("\n}\n")[0]
    told = re.findall(r'"([A-Z]\w+)"', body)

    assert {f"scoreReason.{reason}" for reason in told} == {
        key for key in words["en"] if key.startswith("scoreReason.")
    }


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [(0.9991, 0, "99 %"), (0.9991, 1, "99.9 %"), (0.99996, 1, "99.9 %"), (1, 0, "100 %"), (0.5, 0, "50 %")],
)
def test_hundred_per_cent_is_all(share, decimals, text):
    assert written("numbers.percent(...given)", given=[share, decimals], numbers="numbers.js") == text


def test_a_muscle_without_a_contraction_has_no_mean_duration():
    page = """(() => {
      const made = (tag) => ({ tag, parts: [], append(...parts) { this.parts.push(...parts); }, setAttribute() {} });
      globalThis.document = { createElement: made };
      const text = (one) => (typeof one === "string" ? one : one.parts.map(text).join(" "));
      return text(tables.muscleTable({ muscles: given }));
    })()"""
    told = {"count": 0, "good": 0, "mean_duration_ms": None}

    text = written(page, given=[{"name": "CH1", "skipped": None, "contraction_summary": told}], tables="tables.js")
    assert "CH1" in text
    assert "0.00" not in text


def test_a_contraction_that_peaks_at_once_says_so():
    told = {"time_to_peak_ms": 0, "rms_volts": None, "duration_ms": 800}
    lines = written("words.contractionLines(given)", given={"told": told, "start": 1, "end": 1.8}, words="words.js")

    assert ["Time to peak", "0 ms"] in lines
    assert "RMS" not in dict(lines)


def test_a_long_list_is_looked_at_less_often():
    seconds = [written("list.soonMs(given)", given=limit, list="list.js") / 1000 for limit in (50, 100, 500, 1000)]

    assert seconds == [2, 4, 20, 30]


def written(expression: str, **given):
    """Evaluate with a browser that speaks English."""
    return evaluate(
        f"((globalThis.localStorage = {{ getItem: () => 'en' }}), {expression})",
        **given,
    )


def test_the_spectrum_is_scipy_s():
    rate = 990.0
    samples = np.random.default_rng(1).normal(size=2000)
    found = evaluate(
        "spectrum.welch(given.samples, given.rate)",
        given={"samples": samples.tolist(), "rate": rate},
        spectrum="spectrum.js",
    )
    frequencies, density = signal.welch(samples, rate, nperseg=256)

    np.testing.assert_allclose(found["frequencies"], frequencies, rtol=1e-12)
    # Two transforms of 256 float64 differ by rounding alone.
    np.testing.assert_allclose(found["density"], density, rtol=1e-9, atol=1e-12 * density.max())


def test_no_segment_of_the_spectrum_reaches_over_a_gap():
    samples = np.random.default_rng(2).normal(size=1000).tolist()
    parts = [samples[:300], samples[301:]]
    samples[300] = None
    found = evaluate("spectrum.welch(given.map((v) => v ?? NaN), 990)", given=samples, spectrum="spectrum.js")
    segments = [1 + (len(part) - 256) // 128 for part in parts]
    densities = [signal.welch(np.array(part), 990, nperseg=256)[1] for part in parts]
    wanted = sum(count * density for count, density in zip(segments, densities, strict=True))

    assert found["segments"] == sum(segments)
    np.testing.assert_allclose(found["density"], wanted / sum(segments), rtol=1e-9, atol=1e-12)


def test_a_window_is_of_whole_samples_as_the_api_counts_them():
    clock = {"rate": 990, "count": 990}
    spans = [
        {"start": 0, "end": 1},
        {"start": 0.1, "end": 0.2},
        {"start": 0.9999, "end": 5},
        {"start": 0.5, "end": 0.5},
    ]
    found = evaluate(
        "given.spans.map((span) => tiles.sampleRange(span, given.clock))",
        given={"spans": spans, "clock": clock},
        tiles="tiles.js",
    )

    assert [(one["first"], one["end"]) for one in found] == [(0, 990), (99, 198), (989, 990), (495, 496)]


def test_where_there_are_finer_pixels_they_are_shown():
    tiles = """(() => {
      const tile = (start, end, values) => {
        const band = { minimum: Float32Array.from(values), maximum: Float32Array.from(values) };
        const times = Float64Array.from(values, (_, pixel) => start + (pixel * (end - start)) / values.length);
        return { start, end, times, bands: [{ raw: band }] };
      };
      const columns = tiles.layered(tile(0, 4, [1, 2, 3, 4]), tile(1, 3, [5, 6, NaN, 8]), 0);
      return columns.slice(0, 2).map((column) => [...column]);
    })()"""

    assert evaluate(tiles, tiles="tiles.js") == [[0, 1, 1.5, 2, 2.5, 3], [1, 5, 6, None, 8, 4]]


@pytest.mark.parametrize(
    ("low", "high", "unit"), [(-200, 300, "µV"), (-20_001, 0, "mV"), (0, 4e6, "mV"), (0, 3e7, "V")]
)
def test_an_axis_has_a_unit_that_fits_its_numbers(low, high, unit):
    assert evaluate("units.scaleOf('µV', given)", given=[low, high], units="units.js")["unit"] == unit


def test_a_unit_that_is_not_a_voltage_stays():
    assert evaluate("units.scaleOf('N', [0, 1e6])", units="units.js") == {"unit": "N", "factor": 1}


def test_an_address_names_a_session_and_may_name_a_profile():
    found = evaluate(
        "given.map((key) => recordings.askedOf(key))", given=["emg-a", "emg-a@ghostly-2"], recordings="recordings.js"
    )

    assert found == [{"id": "emg-a", "profile": None}, {"id": "emg-a", "profile": "ghostly-2"}]


WHEEL = """(() => {
  globalThis.localStorage = { getItem: () => given.choice };
  let heard;
  globalThis.document = { addEventListener: (_, listener) => { heard = listener; } };
  wheel.watchWheel();
  return given.turns.map(([timeStamp, over, down, isWhole, ctrlKey]) => {
    const event = { timeStamp, ctrlKey, defaultPrevented: false };
    const scrolls = over ? wheel.scrollsThePage(event, down, isWhole) : true;
    event.defaultPrevented = !scrolls;
    heard(event);
    return scrolls;
  });
})()"""


@pytest.mark.parametrize(
    ("choice", "turns", "scrolls"),
    [
        (None, [[1000, True, -100, True, False]], [False]),  # it zooms
        (None, [[1000, False, 100, False, False], [1200, True, -100, False, False]], [True, True]),  # on its way past
        (None, [[1000, False, 100, False, False], [1500, True, -100, False, False]], [True, False]),  # a new gesture
        (None, [[1000, True, 100, True, False]], [True]),  # nothing to zoom out of
        (None, [[1000, True, 100, False, False], [1200, True, 100, True, False]], [False, False]),  # just zoomed out
        ("scrolls", [[1000, True, -100, False, False]], [True]),
        ("scrolls", [[1000, True, -100, False, True]], [False]),  # with ctrl
    ],
)
def test_a_turn_of_the_wheel_zooms_or_is_the_page_s(choice, turns, scrolls):
    assert evaluate(WHEEL, given={"choice": choice, "turns": turns}, wheel="wheel.js") == scrolls


def test_a_rail_does_not_flatten_everything_else():
    tile = """({ start: 0, end: 3, times: [0, 1, 2],
      bands: [{ raw: { minimum: [-10, -5000, -20], maximum: [10, 5000, 20] } }] })"""
    low, high = evaluate(f"tiles.extent({tile}, 0, [{{ start: 1.2, end: 1.5 }}])", tiles="tiles.js")

    assert (round(low, 6), round(high, 6)) == (-22.4, 22.4)


def test_two_fingers_keep_the_moments_they_hold():
    fingers = [{"place": 0.2, "time": 30}, {"place": 0.8, "time": 45}]
    span = evaluate("gestures.spanHolding(given, { start: 0, end: 75 })", given=fingers, gestures="gestures.js")

    assert (round(span["start"], 9), round(span["end"], 9)) == (25, 50)


def test_a_name_that_a_spreadsheet_would_compute_is_text():
    tile = "({ times: [0], bands: [{ raw: { minimum: [1], maximum: [2] } }] })"
    csv = evaluate(f'csv.csvOf({tile}, [{{ name: "=1+1", unit: "a,b" }}])', csv="csv.js")

    assert csv.splitlines()[0] == 'time_s,"\'=1+1 raw minimum (a,b)","\'=1+1 raw maximum (a,b)"'
