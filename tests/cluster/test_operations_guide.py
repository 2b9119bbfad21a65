"""The operations guide's commands, run as they stand against the release that all tests share."""

import os
import re
from pathlib import Path

import pytest

from emg_local.embedded import embedded_programs
from tests.cluster.deployment import Deployment, require_node
from tests.cluster.machine import BIN, KUBECONFIG, ROOT, inside, run

require_node()

BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_guide_works(deployment: Deployment, tmp_path: Path, number: int) -> None:
    (tmp_path / "charts").symlink_to(ROOT / "charts")
    programs = os.pathsep.join((str(BIN), str(embedded_programs()), os.environ["PATH"]))
    env = {"PATH": programs, "KUBECONFIG": str(KUBECONFIG), "EMG_DATABASE_URL": deployment.database_url}
    said = run(*inside("bash", "-eu", "-o", "pipefail", "-c", f"cd {tmp_path}\n{BLOCKS[number]}"), env=env)
    assert said
