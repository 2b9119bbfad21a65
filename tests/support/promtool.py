"""Prometheus's own tester of rules, out of Debian's package, which is not installed: it would start a server."""

import shutil
import tempfile
from pathlib import Path

from tests.cluster.machine import BIN, run, succeeds
from tests.cluster.parts import debian_is_here
from tests.support.needs import require


def promtool() -> Path:
    """Return the program; it is fetched once."""
    kept = BIN / "promtool"
    if installed := shutil.which("promtool"):
        return Path(installed)
    if not kept.exists():
        require(debian_is_here(), "no promtool: install Prometheus, or run on Debian, whose package has it")
        _fetch(kept)
    return kept


def _fetch(kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        if not succeeds("sh", "-c", f"cd {folder} && apt-get download -qq prometheus"):
            run("apt-get", "update", "-qq")
            run("apt-get", "download", "-qq", "prometheus", cwd=Path(folder))
        (package,) = Path(folder).glob("*.deb")
        run("dpkg", "-x", package, folder)
        Path(folder, "usr/bin/promtool").rename(kept)
