"""The chart as a stranger meets it, on a real node: installed, tried, upgraded, rolled back and removed."""

import json
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from emg_session.migrate import schema_version
from tests.cluster.charts import CHART, TRYOUT_VALUES, helm, install, namespace
from tests.cluster.control_plane import AUDIT_LOG
from tests.cluster.deployment import Deployment, require_node
from tests.cluster.image import IMAGE, build_with_file
from tests.cluster.machine import BIN, KUBECONFIG, inside, kubectl, node_network, run
from tests.cluster.node import load
from tests.cluster.policy_controller import enforcing_policies
from tests.cluster.reach import places_of, reached, start_pod
from tests.support.audit import audit_entries, forbidden, of_namespace
from tests.support.charts import merged
from tests.support.waiting import wait_until

require_node()

RELEASE, PLACE = "stranger", "tryout"
OLD_KEY, NEW_KEY = "the-old-key-of-supabase", "the-new-key-of-supabase"
RECEIVERS = 2
DOORS = ("receiver", "signals")
DOOR, GUARDED = {"door": "open"}, (*DOORS, "metrics")
VALUES = merged(
    TRYOUT_VALUES,
    {
        "senders": {"keys": {"supabase": [OLD_KEY]}},
        "receiver": {"replicas": RECEIVERS},
        "signals": {"replicas": 1},
        "networkPolicy": {f"{who}From": [{"podSelector": {"matchLabels": DOOR}}] for who in GUARDED},
    },
)
BUSY = 3
NEWER_SCHEMA = schema_version() + 1


@dataclass(frozen=True)
class Installed:
    """A release, and what Helm said of it."""

    notes: str
    seconds: float

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        return run(*kubectl("--namespace", PLACE, *arguments), stdin=stdin)

    def sessions(self) -> dict[str, str]:
        """Return the one word of every session."""
        found = json.loads(self.kubectl("get", "emgsessions", "-o", "json"))["items"]
        return {session["metadata"]["name"]: reason(session) for session in found}

    def post(self) -> str:
        """Have a recording made, uploaded and announced by a pod, and return its session's name."""
        receiver = ("exec", "deployment/stranger-receiver", "--container=receiver", "--")
        answer = self.kubectl(*receiver, "emg", "try", "--receiver=http://127.0.0.1:8080", "--no-wait")
        return str(json.loads(answer)["session"])


def reason(session: dict[str, Any]) -> str:
    conditions = session.get("status", {}).get("conditions", [])
    return next((each["reason"] for each in conditions if each["type"] == "Succeeded"), "")


@pytest.fixture(scope="module")
def installed(deployment: Deployment) -> Iterator[Installed]:  # noqa: ARG001 - brings the node
    with namespace(PLACE), enforcing_policies():
        start = time.monotonic()
        install(RELEASE, PLACE, VALUES)
        yield Installed(helm("get", "notes", RELEASE, "--namespace", PLACE), time.monotonic() - start)


def commands(notes: str) -> list[str]:
    """Return the numbered commands of the notes."""
    return re.findall(r"^\d\. .*\n\n +(kubectl .*)$", notes, re.MULTILINE)


def shell(command: str) -> str:
    """Run a line as whoever reads it would: with kubectl on the path and set up."""
    setting = f"export KUBECONFIG={shlex.quote(str(KUBECONFIG))} PATH={shlex.quote(str(BIN))}:$PATH; set -o pipefail"
    return run(*inside("bash", "-c", f"{setting}; {command}"))


def test_the_three_commands_of_the_notes_work(installed: Installed) -> None:
    start = time.monotonic()
    post, watch, read = commands(installed.notes)
    session = json.loads(shell(post))["session"]
    assert re.search(rf"{session} +Completed", shell(watch))
    first_result_s = installed.seconds + time.monotonic() - start
    assert json.loads(shell(read))[session]["schema"] == "emg-summary/1"
    print(f"installed in {installed.seconds:.1f} s, first result after {first_result_s:.1f} s", file=sys.stderr)


def test_the_notes_say_how_to_see_the_senders_keys(installed: Installed) -> None:
    (command,) = re.findall(r"The senders' keys: (kubectl .*)", installed.notes)
    assert json.loads(shell(command)) == {"supabase": [OLD_KEY]}


def test_helm_test_takes_a_recording_through(installed: Installed) -> None:
    log = helm("test", RELEASE, "--namespace", PLACE, "--logs")
    assert "Phase:          Succeeded" in log
    assert "reading a window of two seconds" in log
    assert installed.kubectl("get", "pods", "-o", "name", "--selector=app.kubernetes.io/component=test") == ""


def test_a_tryout_whose_database_lost_its_pod_recovers_by_itself(installed: Installed) -> None:
    installed.kubectl("delete", "pod", "--selector=app.kubernetes.io/component=database")
    installed.kubectl("rollout", "status", "deployment/stranger-database", "--timeout=600s")
    name = installed.post()
    wait_until(lambda: installed.sessions()[name] == "Completed", "it is analysed with the new database")


def test_helm_test_says_which_step_fails(installed: Installed) -> None:
    installed.kubectl("scale", "deployment/stranger-signals", "--replicas=0")
    installed.kubectl("wait", "--for=delete", "pod", "--selector=app.kubernetes.io/component=signals", "--timeout=600s")
    command = inside(BIN / "helm", f"--kubeconfig={KUBECONFIG}", "test", RELEASE, "--namespace", PLACE, "--logs")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    installed.kubectl("scale", "deployment/stranger-signals", "--replicas=1")
    assert done.returncode != 0
    assert "failed while reading the summary: http://stranger-signals:80/sessions/" in done.stdout + done.stderr


def test_every_pod_reaches_what_it_needs_and_nothing_else(installed: Installed) -> None:
    pods = {
        "worker": start_pod(PLACE, "worker", {"emg.ghostly/session": "no-session"}),
        "stranger": start_pod(PLACE, "stranger", {}),
        "door": start_pod(PLACE, "door", DOOR),
        **{part: f"deployment/stranger-{part}" for part in ("operator", "receiver", "signals", "database", "storage")},
    }
    places = places_of(PLACE)
    with ThreadPoolExecutor(len(pods)) as pool:
        found = dict(zip(pods, pool.map(lambda pod: reached(PLACE, pod, places), pods.values()), strict=True))
    installed.kubectl("delete", "pod", "worker", "stranger", "door", "--wait=false")
    store, doors = {"stranger-database", "stranger-storage"}, {f"stranger-{part}" for part in (*DOORS, "operator")}
    assert places.keys() == store | doors | {"kubernetes"}
    assert found == {
        **dict.fromkeys(("operator", "receiver", "signals"), store | {"kubernetes"}),
        "worker": store,
        "stranger": {"kubernetes"},
        "door": doors | {"kubernetes"},
        "database": set(),
        "storage": set(),
    }


def test_an_upgrade_and_a_rollback_lose_no_session_in_flight(installed: Installed, tmp_path: Path) -> None:
    names = [installed.post() for _ in range(BUSY)]
    install(RELEASE, PLACE, merged(VALUES, {"operator": {"sweepSeconds": 60}}), chart=newer_chart(tmp_path))
    names += [installed.post() for _ in range(BUSY)]
    helm("rollback", RELEASE, "1", "--namespace", PLACE, "--wait", "--timeout=10m")
    wait_until(lambda: {installed.sessions()[name] for name in names} == {"Completed"}, "all are analysed")


def newer_chart(folder: Path) -> Path:
    """Return the chart as a later version of it."""
    run("cp", "-r", CHART, folder)
    file = folder / CHART.name / "Chart.yaml"
    file.write_text(file.read_text().replace("version: 0.1.0", "version: 0.2.0", 1))
    return file.parent


def test_a_senders_key_is_replaced_without_a_notice_lost(installed: Installed) -> None:
    with posting(installed, OLD_KEY) as old:
        install(RELEASE, PLACE, merged(VALUES, {"senders": {"keys": {"supabase": [NEW_KEY, OLD_KEY]}}}))
        # Helm waits for new pods to be there, not for old ones to be gone.
        wait_until(lambda: receivers(installed) == RECEIVERS, "no pod is left that knows the old key alone")
        with posting(installed, NEW_KEY) as new:
            wait_until(lambda: len(new.answers) > 20, "the new key is used")
    assert (set(old.answers), set(new.answers)) == ({200}, {200})
    assert len(old.answers) > 50


def receivers(installed: Installed) -> int:
    """Return how many pods of the receiver there are, those that are ending included."""
    pods = installed.kubectl("get", "pods", "--selector=app.kubernetes.io/component=receiver", "--output=name")
    return len(pods.split())


@dataclass
class Posted:
    """What a sender was answered."""

    answers: list[int | str] = field(default_factory=list)


@contextmanager
def posting(installed: Installed, key: str) -> Iterator[Posted]:
    """Post notices all the time, each once, as a sender does that never tries again."""
    address = installed.kubectl("get", "service", "stranger-receiver", "-o", "jsonpath={.spec.clusterIP}")
    posted, stop = Posted(), threading.Event()

    def post() -> None:
        with node_network():
            while not stop.is_set():
                posted.answers.append(answered(f"http://{address}/webhooks/supabase", key))
                time.sleep(0.05)

    thread = threading.Thread(target=post)
    thread.start()
    try:
        yield posted
    finally:
        stop.set()
        thread.join()


def answered(url: str, key: str) -> int | str:
    """Post a notice of a file that is no recording: proved, read, and answered 200."""
    record = {"name": "notes.txt", "bucket_id": "recordings"}
    body = {"type": "INSERT", "schema": "storage", "table": "objects", "record": record}
    try:
        return httpx2.post(url, json=body, headers={"authorization": f"Bearer {key}"}, timeout=120).status_code
    except httpx2.HTTPError as error:
        return repr(error)


def test_an_upgrade_whose_schema_is_newer_loses_no_session_in_flight(installed: Installed, tmp_path: Path) -> None:
    """There is no way back from it but a backup: the last thing done to this release."""
    names = [installed.post() for _ in range(BUSY)]
    newer = {"image": {"tag": newer_image()}, "senders": {"keys": {"supabase": [NEW_KEY]}}}
    install(RELEASE, PLACE, merged(VALUES, newer), chart=newer_chart(tmp_path))
    names += [installed.post() for _ in range(BUSY)]
    wait_until(lambda: {installed.sessions()[name] for name in names} == {"Completed"}, "all are analysed")
    told = installed.kubectl("logs", "--selector=app.kubernetes.io/component=migration", "--tail=-1")
    assert f"{NEWER_SCHEMA:03}_table_for_a_test.sql" in told


def newer_image() -> str:
    """Have pods find our programs with one more migration, and return the image's tag."""
    file = f"/app/lib/python3.11/site-packages/emg_session/migrations/{NEWER_SCHEMA:03}_table_for_a_test.sql"
    load(build_with_file(IMAGE, "localhost/emg:newer", file=file, content="CREATE TABLE for_a_test ();\n"))
    return "newer"


def test_uninstalling_leaves_nothing_hanging_and_keeps_sessions_and_definition(installed: Installed) -> None:
    # Uninstalling takes rights away from programs that are still ending.
    assert forbidden(of_namespace(audit_entries(AUDIT_LOG), PLACE)) == []
    before = set(installed.sessions())
    helm("uninstall", RELEASE, "--namespace", PLACE, "--wait", "--timeout=10m")
    ours = "--selector=app.kubernetes.io/instance=stranger"
    kinds = "deployments,services,jobs,networkpolicies,poddisruptionbudgets,secrets,serviceaccounts,roles,rolebindings"
    wait_until(lambda: installed.kubectl("get", "pods", ours, "-o", "name") == "", "the pods are gone")
    assert installed.kubectl("get", kinds, ours, "-o", "name") == ""
    assert run(*kubectl("get", "clusterroles,clusterrolebindings", ours, "-o", "name")) == ""
    assert set(installed.sessions()) == before != set()
