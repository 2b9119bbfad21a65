"""What `kubectl emg` says, without a cluster."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from emg_cli.kubectl.again import anew
from emg_cli.kubectl.columns import age, print_columns
from emg_cli.kubectl.completing import candidates
from emg_cli.kubectl.top import load_of, sentence
from emg_cli.kubectl.why import EXPLANATIONS, as_data, lines
from emg_session.resource import EMGSession
from emg_session.status import Reason
from tests.support.sessions import NOW, session, session_body

KUBECTL_EMG = Path(sys.executable).with_name("kubectl-emg")


def standing(reason: Reason, *, status: str = "Unknown", **more: object) -> EMGSession:
    at = "2026-03-02T09:59:59Z"
    top = {"type": "Succeeded", "status": status, "reason": reason, "lastTransitionTime": at, "observedGeneration": 1}
    return session(conditions=[top | {"message": "as the operator says"}], **more)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained_with_a_next_step(reason):
    explanation = EXPLANATIONS[reason]
    for said in (explanation.cause, explanation.next_step):
        assert said[0].isupper()
        assert said.endswith(".")
        assert len(said) < 160
    assert " ".join(lines(standing(reason))).endswith(explanation.next_step)


def test_why_quotes_the_operator_and_tells_of_poor_channels_too():
    quality = {"type": "QualityOK", "status": "False", "reason": "PoorChannels", "message": "CH2 Raw: dropouts"}
    at = {"lastTransitionTime": "2026-03-02T09:59:59Z", "observedGeneration": 1}
    top = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": "26 contractions"}
    told = list(lines(session(conditions=[top | at, quality | at])))
    assert told[0].endswith(": Completed (26 contractions)")
    assert told[3] == "Also QualityOK: PoorChannels (CH2 Raw: dropouts)"


def test_why_tells_programs_the_same():
    poor = {"type": "QualityOK", "status": "False", "reason": "PoorChannels", "message": "CH2 Raw: dropouts"}
    at = {"lastTransitionTime": "2026-03-02T09:59:59Z", "observedGeneration": 1}
    top = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": "26 contractions"}
    told = list(as_data(session(conditions=[top | at, poor | at])))
    assert [(one["condition"], one["reason"], one["message"]) for one in told] == [
        ("Succeeded", "Completed", "26 contractions"),
        ("QualityOK", "PoorChannels", "CH2 Raw: dropouts"),
    ]
    assert told[1]["next_step"] == EXPLANATIONS[Reason.POOR_CHANNELS].next_step


@pytest.mark.parametrize("command", [("list", "--reason", "WaitingForObject"), ("rerun", "emg-a"), ("top", "--json")])
def test_where_there_is_no_cluster_is_one_line(command):
    done = subprocess.run([KUBECTL_EMG, *command], check=False, capture_output=True, env={"KUBECONFIG": "/nowhere"})
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert b"there is no kubeconfig /nowhere" in done.stderr


def test_nothing_is_made_anew_where_nothing_was_named():
    done = subprocess.run([KUBECTL_EMG, "replay"], check=False, capture_output=True, env={})
    assert (done.returncode, b"no session was named" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "offered"), [([], "replay"), (["list", "-n", "emg"], "--reason"), (["why"], "--json")]
)
def test_what_could_come_next_is_offered(words, offered):
    assert offered in list(candidates(words, "-" if words else ""))


def test_why_of_a_session_that_nobody_looked_at_says_that_it_waits_for_the_operator():
    assert next(iter(lines(session()))).endswith(": Pending")


def test_the_queue_is_counted_by_where_sessions_stand_and_what_ended_in_the_last_hour():
    ended = {"startedAt": "2026-03-02T09:59:10Z", "finishedAt": "2026-03-02T09:59:40Z"}
    attempts = [{"job": "emg-a1", "memoryMiB": 136, "reason": "Completed"}]
    sessions = [
        session(),
        standing(Reason.RUNNING),
        standing(Reason.COMPLETED, status="True", attempts=attempts, **ended),
        standing(Reason.BAD_RECORDING, status="False", attempts=attempts, **ended),
    ]
    load = load_of(sessions, NOW)
    assert [(one.reason, one.sessions) for one in load.standings] == [
        (Reason.PENDING, 1),
        (Reason.RUNNING, 1),
        (Reason.COMPLETED, 1),
        (Reason.BAD_RECORDING, 1),
    ]
    assert sentence(load) == (
        "1 wait, 1 run, 2 ended in the last hour; 1 of them failed; 40 s each (median) with 1.00 attempts"
    )
    assert sentence(load_of(sessions, NOW + timedelta(hours=2))) == "1 wait, 1 run, 0 ended in the last hour"


def test_a_session_made_anew_keeps_what_it_was_made_of_alone():
    body = session_body(conditions=[])
    again = anew(body)
    assert again["spec"] == body["spec"]
    assert set(again) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(again["metadata"]) == {"name", "namespace", "labels"}
    body["metadata"]["annotations"] = {"emg.ghostly/rerun": "1", "emg.ghostly/sender": "s3"}
    assert anew(body)["metadata"]["annotations"] == {"emg.ghostly/sender": "s3"}


@pytest.mark.parametrize(
    ("seconds", "told"), [(-5, "0s"), (0, "0s"), (59, "59s"), (61, "1m"), (7200, "2h"), (200_000, "2d")]
)
def test_ages_are_told_in_their_largest_unit(seconds, told):
    assert age(NOW - timedelta(seconds=seconds), NOW) == told


def test_columns_are_as_wide_as_their_widest_cell(capsys):
    print_columns(("A", "LONG"), [("xyz", "1"), ("z", "22")])
    assert capsys.readouterr().out == "A     LONG\nxyz   1\nz     22\n"
