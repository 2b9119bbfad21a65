"""The operations guide's commands, run as they stand against the release that all tests share."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emg_local.embedded import embedded_programs
from tests.cluster.deployment import Deployment, require_node
from tests.cluster.image import IMAGE, archive_of
from tests.cluster.machine import BIN, KUBECONFIG, ROOT, STATE, inside, run

require_node()

BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all blocks are run, one after another, as a person would."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "charts").symlink_to(ROOT / "charts")
    return folder


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_guide_works(deployment: Deployment, folder: Path, number: int) -> None:
    programs = os.pathsep.join((str(BIN), str(embedded_programs()), os.environ["PATH"]))
    env = {"PATH": programs, "KUBECONFIG": str(KUBECONFIG), "EMG_DATABASE_URL": deployment.database_url}
    env |= {"EMG_RESTORED_URL": urlsplit(deployment.database_url)._replace(path="/restored").geturl()}
    env |= {"IMAGE_ARCHIVE": str(archive_of(IMAGE)), "CONTAINERD_ADDRESS": f"{STATE}/containerd.sock"}
    said = run(*inside("bash", "-eu", "-o", "pipefail", "-c", f"cd {folder}\n{BLOCKS[number]}"), env=env)
    assert said
