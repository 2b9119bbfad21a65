from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from emg_api.access.audit import audit_trail
from emg_api.access.callers import pseudonym
from emg_api.access.gate import Gate
from emg_api.access.oidc import OidcAccess, Provider
from emg_api.operations import Op, routes
from tests.support.tokens import AUDIENCE, ISSUER, NOW_S, IdentityProvider, rsa_key
from tests.support.waiting import until
from tests.support.web import inserted, post

ONE, TWO = "P001/one.c3d", "P002/two.c3d"


@pytest.fixture(scope="session")
def provider():
    return IdentityProvider(keys=[rsa_key()])


@pytest.fixture
async def gate(summaries, audit, provider) -> AsyncIterator[Gate]:
    access = OidcAccess(Provider(issuer=ISSUER, audience=AUDIENCE), provider.fetch, wall_clock=lambda: NOW_S)
    async with audit_trail(audit) as trail:
        yield Gate(summaries=summaries, access=access, audit=trail)


@pytest.fixture
async def codes(web, bucket) -> dict[str, str]:
    """The codes of two sessions, of one subject each."""
    (bucket / "P002").mkdir()
    (bucket / TWO).write_bytes((bucket / ONE).read_bytes())
    return {key: (await post(web, inserted(key))).json()["session_code"] for key in (ONE, TWO)}


@pytest.fixture
def token(provider) -> dict[str, str]:
    """The headers of who may see P001 alone."""
    return {"authorization": f"Bearer {provider.token()}"}


def paths(code: str) -> list[str]:
    signals = f"/signals/jit/{code}"
    return [f"{signals}/channels", f"{signals}/CH1?width=10", f"/sessions/{code}", f"/sessions/{code}/summary"]


async def test_nothing_about_sessions_is_told_without_a_token(web, codes):
    for path in ["/sessions", *paths(codes[ONE])]:
        response = await web.get(path)
        assert (response.status_code, response.json()["type"]) == (401, "urn:emg-operator:problem:no-token")
        assert response.headers["www-authenticate"] == 'Bearer realm="emg"'


async def test_a_refused_token_is_told_as_rfc_6750_has_it(web, provider):
    expired = {"authorization": f"Bearer {provider.token(exp=NOW_S - 60)}"}

    response = await web.get("/sessions", headers=expired)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="emg", error="invalid_token"'
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("values", [["Bearer a", "Bearer b"], ["Bearer " + "x" * 9000], ["Bearer a b"]])
async def test_a_malformed_authorization_is_a_bad_request(web, values):
    response = await web.get("/sessions", headers=[("authorization", value) for value in values])

    assert (response.status_code, response.json()["type"]) == (400, "urn:emg-operator:problem:bad-authorization")
    assert response.headers["www-authenticate"] == 'Bearer realm="emg", error="invalid_request"'


async def test_the_page_and_the_probes_ask_for_no_token(web):
    for path in ("/livez", "/readyz", "/openapi.json", "/metrics"):
        assert (await web.get(path)).status_code == 200


async def test_the_list_holds_what_the_caller_may_see(web, codes, token, provider):
    all_subjects = {"authorization": f"Bearer {provider.token(emg_subjects='*')}"}
    theirs = (await web.get("/sessions", headers=token)).json()["sessions"]
    everything = (await web.get("/sessions", headers=all_subjects)).json()["sessions"]

    assert [session["session_code"] for session in theirs] == [codes[ONE]]
    assert {session["session_code"] for session in everything} == set(codes.values())


async def test_anothers_session_looks_like_none(web, codes, token):
    for theirs, nobodys in zip(paths(codes[TWO]), paths("emg-aaaaaaaaaaaa"), strict=True):
        answers = [await web.get(path, headers=token) for path in (theirs, nobodys)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()


async def test_a_token_without_subjects_may_list_nothing(web, provider):
    response = await web.get("/sessions", headers={"authorization": f"Bearer {provider.token(emg_subjects=[])}"})

    assert response.status_code == 403
    assert response.headers["www-authenticate"] == 'Bearer realm="emg", error="insufficient_scope"'


async def test_every_read_is_written_down_with_who_what_and_why(web, codes, token, audit):
    headers = token | {"emg-reason": "weekly review", "x-request-id": "r-1"}
    await web.get(f"/signals/jit/{codes[ONE]}/CH1?width=10&start=1&end=2", headers=headers)
    await until(lambda: audit.lines, "the line is stored")

    (entry,) = audit.lines
    assert (entry.caller, entry.session_code) == (pseudonym(ISSUER, "therapist-7"), codes[ONE])
    assert (entry.operation, entry.status, entry.reason) == ("signals_channel", 200, "weekly review")
    window = {"width": 10, "start": 1.0, "end": 2.0, "signals": "raw", "profile": None}
    assert entry.asked == {"channel_name": "CH1", **window}
    assert entry.request_id == "r-1"


async def test_reads_of_every_kind_leave_a_line_and_so_do_refusals(web, codes, token, audit):
    asked = ["/sessions", *paths(codes[ONE]), *paths(codes[TWO])]
    for path in asked:
        await web.get(path, headers=token)
    await until(lambda: len(audit.lines) == len(asked), "all lines are stored")

    told = [(entry.operation, entry.session_code, entry.status) for entry in audit.lines]
    operations = ("signals_channels", "signals_channel", "sessions_one", "sessions_summary")
    theirs = [(name, codes[ONE], 404 if name == "sessions_summary" else 200) for name in operations]
    assert told == [("sessions_listing", None, 200), *theirs, *((name, codes[TWO], 404) for name in operations)]


async def test_an_answer_from_the_callers_own_cache_is_a_read_too(web, codes, token, audit):
    path = f"/signals/jit/{codes[ONE]}/CH1?width=10"
    tag = (await web.get(path, headers=token)).headers["etag"]
    await web.get(path, headers=token | {"if-none-match": tag})
    await until(lambda: len(audit.lines) == 2, "both lines are stored")

    assert [entry.status for entry in audit.lines] == [200, 304]


@pytest.mark.parametrize("reasons", [["x" * 201], ["a", "b"], ["tab\there"]])
async def test_a_reason_that_can_not_be_kept_is_refused(web, token, reasons):
    headers = [*token.items(), *(("emg-reason", reason) for reason in reasons)]

    assert (await web.get("/sessions", headers=headers)).json()["type"] == "urn:emg-operator:problem:bad-reason"


async def test_nothing_of_a_path_can_keep_the_line_out_of_the_table(web, codes, token, audit):
    await web.get(f"/signals/jit/{codes[ONE]}/%00{'x' * 500}", headers=token)
    await until(lambda: audit.lines, "the line is stored")

    assert audit.lines[0].asked["channel_name"] == "\ufffd" + "x" * 199


@pytest.mark.usefixtures("codes")
async def test_who_calls_is_in_no_log(web, token, provider, caplog):
    caplog.set_level("DEBUG")
    await web.get("/sessions", headers=token)
    await web.get("/sessions", headers={"authorization": f"Bearer {provider.token(exp=1)}"})

    logged = str([vars(record) for record in caplog.records])
    assert "therapist" not in logged
    assert token["authorization"].split(".")[2] not in logged


def test_what_is_about_sessions_needs_a_gate():
    async def anything(*_: object) -> Response:
        return Response()

    with pytest.raises(ValueError, match="anything is about sessions and has no gate before it"):
        routes([Op("GET", "/", anything, session=True)], None)


async def test_without_the_table_reads_go_on(web, token, audit):
    audit.failure = RuntimeError("a bug")

    assert (await web.get("/sessions", headers=token)).status_code == 200
    audit.failure = None
