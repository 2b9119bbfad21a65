import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from emg_local.embedded import data_folder, reachable
from emg_local.postgres import Postgres
from emg_session.errors import DatabaseUnavailable
from tests.support.postgres import folder_for_servers, programs
from tests.support.waiting import wait_until

HOLD_A_SERVER = """
import sys
from pathlib import Path
from emg_local.postgres import Postgres
with Postgres(programs=Path(sys.argv[1]), data=Path(sys.argv[2])) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder():
    with folder_for_servers() as path:
        yield path


def can_connect(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_data_outlives_the_server(folder: Path) -> None:
    for statement in ("CREATE TABLE kept AS SELECT 42 AS answer", "SELECT answer FROM kept"):
        with (
            Postgres(programs=programs("18"), data=folder / "data") as server,
            psycopg.connect(server.url) as connection,
        ):
            cursor = connection.execute(statement)
    assert cursor.statusmessage == "SELECT 1"


def test_a_stopped_server_is_gone(folder: Path) -> None:
    with Postgres(programs=programs("18"), data=folder / "data") as server:
        assert can_connect(server.url)
    assert not can_connect(server.url)


def test_the_server_dies_with_a_killed_parent(folder: Path) -> None:
    command = [sys.executable, "-c", HOLD_A_SERVER, str(programs("18")), str(folder / "data")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        url = holder.stdout.readline().strip()
        assert can_connect(url)
        holder.send_signal(signal.SIGKILL)
    wait_until(lambda: not (folder / "data" / "postmaster.pid").exists(), "the server stopped")
    assert not can_connect(url)


def test_nobody_connects_without_the_password(folder: Path) -> None:
    with Postgres(programs=programs("18"), data=folder / "data") as server:
        assert not can_connect(f"postgresql://emg@127.0.0.1:{server.port}/postgres")
        assert (folder / "data.password").stat().st_mode & 0o077 == 0


def test_a_private_network_may_connect_where_it_is_named(folder: Path) -> None:
    with Postgres(programs=programs("18"), data=folder / "data", listen="*", networks=["127.0.0.2/32"]) as server:
        assert can_connect(server.url_at("127.0.0.2"))


def test_a_second_server_on_the_same_data_names_the_log(folder: Path) -> None:
    second = Postgres(programs=programs("18"), data=folder / "data")
    with (
        Postgres(programs=programs("18"), data=folder / "data"),
        pytest.raises(DatabaseUnavailable, match=r"data\.log"),
    ):
        second.__enter__()


def test_data_lie_in_their_folder_where_the_server_reaches_it(folder: Path) -> None:
    assert data_folder(folder) == folder.resolve() / "postgres"


def test_the_server_reaches_its_data_wherever_the_folder_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    place = data_folder(tmp_path)
    assert place == data_folder(tmp_path)
    assert reachable(place.parent)
