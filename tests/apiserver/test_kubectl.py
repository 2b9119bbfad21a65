"""`kubectl emg` as kubectl runs it, against a real API server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emg_session.resource import build_session, session_name
from tests.apiserver.conftest import Site
from tests.cluster.machine import BIN
from tests.support.operators import Operator, started
from tests.support.waiting import wait_until

PROGRAMS = Path(sys.executable).parent


def emg(site: Site, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the site's namespace; kubectl finds the plug-in on the path."""
    env = {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "KUBECONFIG": str(site.api.admin)}
    command = [BIN / "kubectl", "emg", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=env, timeout=600)


def jobs(site: Site) -> set[str]:
    """Return the Jobs that are there and not being deleted."""
    metadata = (job["metadata"] for job in site.api.items("jobs", site.namespace))
    return {one["name"] for one in metadata if "deletionTimestamp" not in one}


def body(site: Site, name: str) -> dict[str, Any]:
    """Return a session as the API server holds it."""
    (found,) = (one for one in site.api.items("emgsessions", site.namespace) if one["metadata"]["name"] == name)
    return found


@pytest.fixture
def name(site: Site, recording: bytes) -> str:
    """The name of a session that no operator has seen."""
    spec = site.upload("P001/one.c3d", recording)
    site.api.apply(build_session(spec, namespace=site.namespace))
    return session_name(spec.recording.uri, spec.recording.version)


def test_a_session_is_listed_shown_and_explained(site: Site, name: str) -> None:
    listed = emg(site, "list", "-n", site.namespace, "--subject", "P001")
    assert [line.split()[:3] for line in listed.stdout.splitlines()] == [
        ["NAMESPACE", "NAME", "STATUS"],
        [site.namespace, name, "Pending"],
    ]
    assert len(emg(site, "list", "-n", site.namespace, "--reason", "Running").stdout.splitlines()) == 1
    shown = emg(site, "show", name, "-n", site.namespace)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"{site.uri}/P001/one.c3d" in shown.stdout
    told = json.loads(emg(site, "show", name, "-n", site.namespace, "--json").stdout)
    assert told["metadata"]["name"] == name
    assert "whether the operator runs" in emg(site, "why", name, "-n", site.namespace).stdout


def test_a_session_is_explained_to_programs_too(site: Site, name: str) -> None:
    told = json.loads(emg(site, "why", name, "-n", site.namespace, "--json").stdout)
    assert (told["name"], told["why"][0]["reason"]) == (name, "Pending")


def test_kubectl_completes_commands_and_the_names_of_sessions(site: Site, name: str) -> None:
    env = {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "KUBECONFIG": str(site.api.admin)}

    def completed(*words: str) -> list[str]:
        command = [BIN / "kubectl", "__complete", "emg", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.splitlines()

    assert "replay" in completed("re")
    assert completed("why", "-n", site.namespace, "emg-")[0] == name


def test_the_queue_of_all_namespaces_is_counted(site: Site, name: str) -> None:
    assert name
    counted = json.loads(emg(site, "top", "-A", "--json").stdout)
    assert {"reason": "Pending"}.items() <= counted["standings"][0].items()
    assert counted["waiting"] >= 1


def test_what_is_not_there_is_a_sentence_and_an_exit_code(site: Site) -> None:
    for command in ("show", "why", "logs", "rerun", "replay"):
        done = emg(site, command, "emg-nothing", "-n", site.namespace)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "kubectl emg: there is no emg-nothing: see `kubectl emg list -A`\n"
    done = emg(site, "list", "--context", "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_session_made_anew_or_once_more_is_another_run(site: Site, name: str) -> None:
    operator = site.operator()
    with started(operator):
        wait_until(lambda: jobs(site), "its Job is made")
        before = body(site, name)
        assert emg(site, "rerun", name, "-n", site.namespace).stdout == f"{name} is analysed once more\n"
        wait_until(lambda: f"{name}-a2" in jobs(site), "another Job follows")
        assert emg(site, "replay", name, "-n", site.namespace).stdout == f"{name} is made anew\n"
        wait_until(lambda: jobs(site), "its Job is made again")
    after = body(site, name)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


def swept(operator: Operator) -> bool:
    told = operator.ask("/metrics")
    return told is not None and 'emg_operator_sweeps_total{outcome="done"}' in told.text


def test_a_sweep_can_be_asked_for(site: Site, recording: bytes) -> None:
    assert emg(site, "sweep", "-n", site.namespace).returncode == 1  # no operator was ever here
    operator = site.operator(EMG_SWEEP_SECONDS="86400", EMG_SWEEP_SETTLE_SECONDS="0")
    with started(operator):
        wait_until(lambda: swept(operator), "it swept at its start")
        site.upload("P001/late.c3d", recording)
        assert emg(site, "sweep", "-n", site.namespace).stdout == "asked the operator to sweep\n"
        wait_until(site.reasons, "the recording is found")
