"""Who reaches whom on the node: connections tried from inside pods."""

import json
from collections.abc import Mapping
from typing import Any

from tests.cluster.charts import IMAGE_VALUES
from tests.cluster.machine import kubectl, run

Place = tuple[str, int]
_SECONDS = 20  # what a policy denies is dropped; a busy node takes seconds to answer what it allows
_TRY = f"""
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def answers(place):
    try:
        socket.create_connection(place, timeout={_SECONDS}).close()
    except OSError:
        return False
    return True

places = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(places)) as pool:
    print(json.dumps(dict(zip(places, pool.map(answers, map(tuple, places.values()))))))
"""


def places_of(namespace: str) -> dict[str, Place]:
    """Return the address of every Service of a namespace, and that of the API server."""
    services = json.loads(run(*kubectl("--namespace", namespace, "get", "services", "-o", "json")))["items"]
    found = {
        each["metadata"]["name"]: (each["spec"]["clusterIP"], each["spec"]["ports"][0]["port"]) for each in services
    }
    address = run(*kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}"))
    return found | {"kubernetes": (address, 443)}


def reached(namespace: str, pod: str, places: Mapping[str, Place]) -> set[str]:
    """Return which places a pod can connect to."""
    command = ("exec", pod, "--", "python", "-c", _TRY, json.dumps(places))
    answers: dict[str, bool] = json.loads(run(*kubectl("--namespace", namespace, *command)))
    return {name for name, answered in answers.items() if answered}


def start_pod(namespace: str, name: str, labels: Mapping[str, str]) -> str:
    """Start a pod that does nothing, to connect from, and wait until it runs."""
    manifest = json.dumps(_pod(name, labels))
    run(*kubectl("--namespace", namespace, "create", "-f", "-"), stdin=manifest)
    run(*kubectl("--namespace", namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=600s"))
    return f"pod/{name}"


def _pod(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    image = IMAGE_VALUES["image"]
    nothing = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(0)); signal.pause()"
    container = {
        "name": "nothing",
        "image": f"{image['repository']}:{image['tag']}",
        "command": ["python", "-c", nothing],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"automountServiceAccountToken": False, "securityContext": security, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": dict(labels)}, "spec": spec}
