import inspect
from pathlib import Path

import pytest

from emg_api import refusals
from emg_api.problem_page import page
from emg_api.problems import KINDS
from emg_session import errors

ROOT = Path(__file__).parents[3]


def failures() -> set[type]:
    named = [kind for module in (errors, refusals) for _, kind in inspect.getmembers(module, inspect.isclass)]
    kinds = {errors.Failure, errors.PermanentFailure, errors.TransientFailure}
    return {kind for kind in named if issubclass(kind, errors.Failure)} - kinds


def test_every_failure_has_its_status():
    assert set(KINDS) == failures()


def test_only_what_may_get_better_asks_to_come_again():
    assert {kind for kind in failures() if issubclass(kind, errors.TransientFailure)} == {
        kind for kind, told in KINDS.items() if told.status == 503
    } - {errors.SchemaMismatch}


def test_every_type_is_on_the_page():
    assert (ROOT / "api" / "PROBLEMS.md").read_text() == page(), "run `make problems`"
    assert all(f"| `{kind.slug}` | {kind.status.value}" in page() for kind in KINDS.values())


def test_a_type_is_one_kind_of_problem():
    kinds = {*KINDS.values()}
    assert len({kind.type for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(("path", "method", "status"), [("/nowhere", "GET", 404), ("/sessions", "POST", 405)])
async def test_what_the_router_refuses_is_a_problem_too(web, path, method, status):
    response = await web.request(method, path)

    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, response.json()["status"], response.json()["type"]) == (status, status, "about:blank")
