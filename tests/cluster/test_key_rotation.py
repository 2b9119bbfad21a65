"""The database's password and storage's keys are replaced while recordings come: every one is analysed."""

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from emg_local.postgres import USER
from tests.cluster.deployment import Deployment, cluster, reasons, require_node, secrets
from tests.cluster.machine import node_network
from tests.support.recordings import synthetic_recording
from tests.support.waiting import wait_until

require_node()

BUSY = 3
PROGRAMS = tuple(f"deployment/emg-{part}" for part in ("operator", "receiver", "signals"))
NEW_PASSWORD = "the-new-password-of-the-database"
OLD_KEY, NEW_KEY = ("the-old-key", "its-long-secret"), ("the-new-key", "another-long-secret")


@pytest.fixture
def administrator(deployment: Deployment) -> Iterator[psycopg.Connection]:
    """A connection that outlives the password; at the end password and keys are what the other tests know."""
    with node_network():
        connection = psycopg.connect(deployment.database_url, autocommit=True)
    with connection:
        yield connection
        set_password(connection, password_of(deployment))
        use(secrets(deployment))


def password_of(deployment: Deployment) -> str:
    return str(conninfo_to_dict(deployment.database_url)["password"])


def set_password(connection: psycopg.Connection, password: str) -> None:
    """Replace the password, which ends the old one for every new connection at once."""
    connection.execute(SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(USER), Literal(password)))


def use(settings: dict[str, object]) -> None:
    """Replace the Secrets and restart what read them."""
    cluster("apply", "-f", "-", stdin=json.dumps(settings))
    cluster("rollout", "restart", *PROGRAMS)
    for program in PROGRAMS:
        cluster("rollout", "status", program, "--timeout=600s")


def storage_key(key: tuple[str, str]) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1]}


def test_password_and_keys_are_replaced_and_no_recording_is_lost(
    deployment: Deployment, administrator: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = synthetic_recording(tmp_path_factory.mktemp("recording")).read_bytes()
    posted = 0

    def post() -> None:
        nonlocal posted
        for _ in range(BUSY):
            posted += 1
            key = f"ROT{posted}/take.c3d"
            deployment.upload(key, data + bytes(posted))
            deployment.notify(key).raise_for_status()

    with node_network():
        deployment.s3.make_account(*OLD_KEY)
    use(secrets(deployment, **storage_key(OLD_KEY)))
    post()
    with node_network():
        deployment.s3.make_account(*NEW_KEY)
    set_password(administrator, NEW_PASSWORD)
    post()  # by programs and workers that know the old password alone
    new_url = deployment.database_url.replace(password_of(deployment), NEW_PASSWORD)
    use(secrets(deployment, EMG_DATABASE_URL=new_url, **storage_key(NEW_KEY)))
    with node_network():
        deployment.s3.end_account(OLD_KEY[0])
    post()
    wait_until(lambda: reasons("ROT") == {"Completed": posted}, "all are analysed")
