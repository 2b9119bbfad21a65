import csv
from io import BytesIO, StringIO

import pytest
from arro3.io import read_ipc_stream, read_parquet
from hypothesis import given
from hypothesis import strategies as st

from emg_api.contractions import COLUMNS, as_csv
from emg_session.contract import WorkerContract
from emg_worker.work import Worker
from tests.support.web import inserted, post

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"


@pytest.fixture
async def session(web) -> str:
    return (await post(web, inserted("P001/one.c3d"))).json()["session_code"]


@pytest.fixture(params=["standard-1", "ghostly-2"])
async def summary(request, session, sessions, recordings, summaries) -> dict:
    sessions.manifests[session]["spec"]["profile"] = request.param
    await Worker(WorkerContract.of(await sessions.load(session)), recordings, summaries).run()
    return summaries.session(session).analytics_summary


def expected(summary: dict) -> list[dict]:
    is_standard = summary["profile"]["name"] == "standard-1"
    left_out = {"faults": 0, "merged": 0, "long": False} if is_standard else {}
    return [
        dict.fromkeys(COLUMNS) | left_out | {"muscle": muscle["name"], "contraction": number} | contraction
        for muscle in summary["muscles"]
        for number, contraction in enumerate(muscle["contractions"], 1)
    ]


def parsed(cell: str, example: object) -> object:
    match example:
        case None:
            return cell or None
        case bool():
            return {"true": True, "false": False}[cell]
        case _:
            return type(example)(cell)


async def test_the_csv_is_what_the_summary_holds(web, session, summary):
    response = await web.get(f"/sessions/{session}/contractions.csv")

    rows, wanted = list(csv.DictReader(StringIO(response.text))), expected(summary)
    read = [{name: parsed(row[name], want[name]) for name in row} for row, want in zip(rows, wanted, strict=True)]
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == f'attachment; filename="{session}-contractions.csv"'
    assert list(rows[0]) == list(COLUMNS)
    assert read == wanted


@pytest.mark.parametrize(("ending", "read"), [("arrow", read_ipc_stream), ("parquet", read_parquet)])
async def test_arrow_and_parquet_hold_the_same(web, session, summary, ending, read):
    response = await web.get(f"/sessions/{session}/contractions.{ending}")

    table = read(BytesIO(response.content)).read_all()
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    assert [dict(zip(table.column_names, row, strict=True)) for row in rows] == expected(summary)


@pytest.mark.parametrize("accept", ["text/csv", ARROW, PARQUET])
async def test_accept_chooses_the_table(web, session, summary, accept):
    response = await web.get(f"/sessions/{session}/contractions", headers={"accept": accept})

    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, accept)
    assert summary["muscles"]


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [("contractions", "text/csv", 404), ("contractions.csv", "*/*", 404), ("contractions", "text/html", 406)],
)
async def test_what_is_not_there_is_said(web, session, path, accept, status):
    assert (await web.get(f"/sessions/{session}/{path}", headers={"accept": accept})).status_code == status


@given(st.text())
def test_no_muscles_name_becomes_a_formula(name):
    summary = {"muscles": [{"name": name, "contractions": [{"start_sample": 1}]}]}

    _, row = csv.reader(StringIO(as_csv(summary).decode(), newline=""))

    assert row[0].removeprefix("'") == name.removeprefix("'")
    assert row[0][:1] not in set("=+-@\t\r\n")
