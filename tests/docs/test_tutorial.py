"""Every block of the tutorial runs, in order, in one shell."""

import shlex
from shutil import which

from tests.cluster.machine import ROOT
from tests.docs.blocks import run, script
from tests.support.needs import require
from tests.support.postgres import folder_for_servers
from tests.support.s3 import free_port


def test_the_tutorial_runs_as_it_stands() -> None:
    require(which("curl"), "no curl")
    with folder_for_servers() as folder:
        lines = script(ROOT / "docs" / "tutorial.md", {8080: free_port("127.0.0.1")})
        said = run(lines.replace("first-look", shlex.quote(str(folder / "first-look"))), ROOT, folder)
    assert "Computed by emg-core" in said
    assert "Equal: 4 channels" in said
