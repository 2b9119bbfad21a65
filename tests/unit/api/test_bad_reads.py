"""Whatever is asked for: a documented status and, where it is refused, a sentence; never a failure of ours."""

from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.web import inserted, post

REFUSED = {400, 404, 406, 422}
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

ODD_NUMBERS = ["nan", "-nan", "inf", "-inf", "1e309", "-0", "1e-320", "9" * 400, "0x10", "١٢", "1_0", " 5 "]
WORDS = st.text(st.characters(codec="utf-8"), max_size=30)
VALUES = st.one_of(st.sampled_from(ODD_NUMBERS), WORDS, st.integers().map(str), st.floats().map(str))
NAMES = st.sampled_from(["width", "start", "end", "signals", "channel", "include_rms", "downsample_factor", "x"])
QUERIES = st.lists(st.tuples(NAMES, VALUES), max_size=5)
TYPES = st.sampled_from(
    ["", "*/*", "text/html", "application/json;q=0", "application/octet-stream", "application/vnd.apache.arrow.stream"]
)


@pytest.fixture
async def session(web) -> str:
    return (await post(web, inserted("P001/one.c3d"))).json()["session_code"]


def is_answered_well(response: httpx2.Response) -> bool:
    """Whether it worked, or was refused with a problem that says what to do."""
    if response.status_code == 200:
        return True
    problem = response.json()
    is_problem = response.headers["content-type"] == "application/problem+json"
    return is_problem and response.status_code in REFUSED and bool(problem["detail"] and problem["advice"])


@SOME
@given(QUERIES, TYPES, st.sampled_from(["CH1", "windows", "channels"]))
@example([("channel", "CH1"), ("channel", "ch1"), ("width", "7")], "*/*", "windows")
async def test_no_query_breaks_a_window(web, session, query, accept, what):
    params = httpx2.QueryParams(query)

    response = await web.get(f"/signals/jit/{session}/{what}", params=params, headers={"accept": accept})

    assert is_answered_well(response), response.text


@SOME
@given(WORDS)
@example("..")
@example("../../etc/passwd")
@example("CH1/../../../secret")
@example("\x00")
@example("//evil.example/CH1")
@example("CH1;drop")
@example("Biceps \u202e right \U0001f4aa")
async def test_no_channels_name_breaks_anything(web, session, name):
    response = await web.get(f"/signals/jit/{session}/{quote(name, safe='')}?width=10")

    assert is_answered_well(response), response.text


@SOME
@given(WORDS.filter(bool))
@example("../sessions")
@example("/")
@example("emg-aaaaaaaaaaaa")
@example("%2e%2e")
async def test_no_sessions_key_breaks_anything(web, name):
    for path in ("/signals/jit/{}/CH1", "/sessions/{}", "/sessions/{}/contractions.csv"):
        response = await web.get(path.format(quote(name, safe="")))
        assert is_answered_well(response), response.text


@SOME
@given(
    st.lists(st.tuples(st.sampled_from(["limit", "cursor", "subject", "since", "until", "search"]), VALUES), max_size=4)
)
async def test_no_query_breaks_the_list(web, query):
    response = await web.get("/sessions", params=httpx2.QueryParams(query))

    assert is_answered_well(response), response.text


@SOME
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80))
@example('W/"')
@example('"a", *')
@example(",,,")
async def test_no_tag_breaks_an_answer(web, session, tag):
    headers = {"if-none-match": tag.encode("latin-1")}

    response = await web.get(f"/signals/jit/{session}/CH1?width=10", headers=headers)

    assert response.status_code == (304 if tag.strip() == "*" else 200)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_signals_can_only_be_read(web, session, method):
    response = await web.request(method, f"/signals/jit/{session}/CH1")

    assert (response.status_code, set(response.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
