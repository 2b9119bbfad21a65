import json
import os
import subprocess
import sys
import threading

import httpx2
import pytest

ENV = {
    "EMG_DATABASE_URL": "postgresql://emg@127.0.0.1:1/emg",
    "EMG_BUCKETS": '{"recordings": "s3://recordings"}',
    "EMG_WEBHOOK_SECRETS": '{"supabase": ["key"]}',
    "EMG_AUTH": "none",
    "KUBECONFIG": "/nowhere",
}


def start(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emg_api", *arguments]
    return subprocess.run(
        command, env=os.environ | ENV | env, capture_output=True, text=True, timeout=3000, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "env", "line"),
    [
        (["receiver"], {"EMG_WEBHOOK_SECRETS": ""}, "emg_api: EMG_WEBHOOK_SECRETS is not set: it says the keys"),
        (["signals"], {"EMG_BUCKETS": "s3://recordings"}, "emg_api: EMG_BUCKETS can't be read"),
        (["signals"], {"EMG_DATABASE_URL": "postgresql://emg:%zz@db/emg"}, "emg_api: EMG_DATABASE_URL is no address"),
        (["signals"], {"EMG_AUTH": ""}, "emg_api: EMG_AUTH is not set: it says who may read signals"),
        (["signals"], {"EMG_AUTH": "kubernetes", "EMG_PORT": "0"}, "emg_api: no cluster to talk to"),
        (["signals"], {"EMG_HOST": "192.0.2.1"}, "emg_api: can't listen on 192.0.2.1:8080"),
        (["receiver"], {"EMG_PORT": "0"}, "emg_api: no cluster to talk to"),
        (["both"], {}, "usage: python -m emg_api receiver | signals"),
    ],
)
def test_a_start_that_can_not_work_says_why_in_a_line_and_exits_2(arguments, env, line):
    ended = start(*arguments, **env)

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(line)
    assert "Traceback" not in ended.stderr


def test_the_signals_api_starts_without_its_database_and_stops_when_told():
    command = [sys.executable, "-m", "emg_api", "signals"]
    env = os.environ | ENV | {"EMG_HOST": "127.0.0.1", "EMG_PORT": "0"}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as program:
        deadline = threading.Timer(300, program.kill)
        deadline.start()
        events = (json.loads(line) for line in program.stderr)
        port = next(event["port"] for event in events if event["event"] == "listening")
        answer = httpx2.get(f"http://127.0.0.1:{port}/livez", timeout=300)
        program.terminate()
        ended = program.wait()
        deadline.cancel()

    assert (answer.json(), ended) == ({"alive": True}, 0)


@pytest.mark.parametrize(("program", "absent"), [("run_signals", {"kubernetes", "kopf"}), ("run_receiver", {"kopf"})])
def test_a_program_starts_without_the_packages_that_it_has_no_use_for(program, absent):
    script = f"import sys, emg_api.{program}; sys.exit(len({absent} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", script], timeout=3000, check=False).returncode == 0
