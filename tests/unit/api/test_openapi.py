import re

import pytest
from starlette.routing import Route

from emg_api.app import create_both


@pytest.fixture
async def document(web) -> dict:
    return (await web.get("/openapi.json")).json()


def test_every_route_is_described(receiver, gate, document):
    routes = [route for route in create_both(receiver, gate).routes if isinstance(route, Route)]

    served = {(re.sub(r":\w+}", "}", r.path), method) for r in routes for method in (r.methods or set()) - {"HEAD"}}
    assert {(path, method.upper()) for path, methods in document["paths"].items() for method in methods} == served


def test_operations_have_names_of_their_own_and_a_summary(document):
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)


def test_the_parameters_are_what_is_parsed(document):
    (channel,) = document["paths"]["/signals/jit/{session_id}/{channel_name}"].values()

    assert {p["name"]: (p["in"], p["required"]) for p in channel["parameters"]} == {
        "session_id": ("path", True),
        "channel_name": ("path", True),
        "include_rms": ("query", False),
        "downsample_factor": ("query", False),
        "width": ("query", False),
        "start": ("query", False),
        "end": ("query", False),
        "signals": ("query", False),
        "profile": ("query", False),
        "emg-reason": ("header", False),
    }


def test_an_answer_is_described_with_the_problems_it_can_be(document):
    responses = document["paths"]["/sessions/{session_id}/summary"]["get"]["responses"]

    types = responses["404"]["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["type"]["enum"]
    assert responses.keys() == {"200", "400", "401", "403", "404", "422", "500", "503"}
    ours = [
        f"urn:emg-operator:problem:{slug}"
        for slug in ("bad-path", "not-analysed-yet", "result-not-found", "session-not-found")
    ]
    assert types == [*ours, "about:blank"]


@pytest.mark.parametrize("path", ["/livez?x=1", "/sessions/nobody?limit=1", "/?page=2"])
async def test_a_parameter_nobody_knows_is_refused_everywhere(web, path):
    response = await web.get(path)

    assert (response.status_code, response.json()["type"]) == (422, "urn:emg-operator:problem:bad-query")
