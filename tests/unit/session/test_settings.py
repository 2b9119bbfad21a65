import pytest

from emg_session.connections import connection_options, database_url
from emg_session.errors import InvalidSettings
from emg_session.recordings import Buckets
from emg_session.settings import integer


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://emg:s3cr3t%zz@db/emg",
        "postgresql://emg:s3cr3t word@db/emg",
        "postgres//emg:s3cr3t@db/emg",
        "s3cr3t",
    ],
)
def test_a_malformed_address_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(InvalidSettings, match="EMG_DATABASE_URL is no address of a PostgreSQL") as caught:
        database_url({"EMG_DATABASE_URL": url})
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_an_address_says_wins_over_our_time_outs() -> None:
    url = "postgresql://emg@db/emg?connect_timeout=9&options=-c%20statement_timeout%3D7"
    options = connection_options(url, statement_seconds=1.5)
    assert (options["connect_timeout"], options["host"]) == ("9", "db")
    assert options["options"] == (
        "-c statement_timeout=1500 -c idle_in_transaction_session_timeout=60000 -c statement_timeout=7"
    )


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("ten", "EMG_N is 'ten', not a whole number"),
        ("0", "EMG_N is 0: it must lie between 1 and 10"),
        ("11", "EMG_N is 11: it must lie between 1 and 10"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_its_bounds(value: str, sentence: str) -> None:
    assert integer({}, "EMG_N", 3, least=1, most=10) == 3
    with pytest.raises(InvalidSettings, match=sentence):
        integer({"EMG_N": value}, "EMG_N", 3, least=1, most=10)


@pytest.mark.parametrize("uri", ["recordings", "/data/recordings", "s3:recordings", "ftp://recordings", ""])
def test_a_bucket_without_an_address_that_can_be_read_is_refused_at_once(uri: str) -> None:
    with pytest.raises(InvalidSettings, match=r"EMG_BUCKETS has no URI that can be read for 'r'; for example \{"):
        Buckets.from_json(f'{{"r": "{uri}"}}')


@pytest.mark.parametrize(
    "uri", ["s3://recordings", "file:///data/recordings", "gs://r", "https://a.blob.core.windows.net/c"]
)
def test_a_bucket_may_be_in_any_store(uri: str) -> None:
    assert Buckets.from_json(f'{{"r": "{uri}/"}}').uri("r", "a.c3d") == f"{uri}/a.c3d"
