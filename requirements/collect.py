"""Collect into a folder what the programs in /app run on, and list it: the last step of the image's build.

A base brings a shell, a package manager and hundreds of programs that nothing of ours starts. What does run is Python,
its library and the shared libraries these and /app need; sbom.cdx.json says which packages they come from (CycloneDX).
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

LIBRARY = Path(os.__file__).parent
LEFT_OUT = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "distutils", "venv")
FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/passwd", "/etc/group")
# Debian's own are links, to which programs and libraries refer.
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
NEEDED = re.compile(r"(?:=> )?(/\S+) \(0x")


def main(target: Path, linked: Path) -> None:
    """Fill the folder; `linked` is the file that lists what Python packages are linked from."""
    for name, place in LINKS.items():
        (target / place).mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to(place)
    shutil.copytree("/app", target / "app", symlinks=True)
    shutil.copytree(LIBRARY, at(target, LIBRARY), symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    python = Path(sys.executable).resolve()
    libraries = set(needed([python, *Path("/app").rglob("*.so*"), *LIBRARY.rglob("*.so")]))
    for file in sorted({str(python), *libraries, *FILES}):
        copy(target, file)
    at(target, python).with_name("python3").symlink_to(python.name)
    (target / "tmp").mkdir(mode=0o1777)
    (target / "app" / "sbom.cdx.json").write_text(json.dumps(bill([str(python), *libraries], linked), indent=1))


def at(target: Path, path: Path) -> Path:
    """Return where a file of this system belongs in the folder."""
    return target / str(path).lstrip("/")


def copy(target: Path, file: str) -> None:
    """Copy a file as what it is, under the name that is asked for."""
    place = at(target, Path(file))
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        shutil.copy2(Path(file).resolve(), place)


def needed(programs: Iterable[Path]) -> Iterator[str]:
    """Return the shared libraries outside /app that programs and libraries need, and the loader."""
    for program in programs:
        told = subprocess.run(["/usr/bin/ldd", program], capture_output=True, text=True, check=False).stdout
        yield from (path for path in NEEDED.findall(told) if not path.startswith("/app/"))


def bill(files: Iterable[str], linked: Path) -> dict[str, object]:
    """Build the bill of materials: Python packages of /app, crates in them, Debian's packages that own the files."""
    python = [(one.name.lower(), one.version, "pypi") for one in importlib.metadata.distributions()]
    debian = [(*line.split("\t"), "deb/debian") for line in packages(files)]
    named = {(name, version, f"pkg:{kind}/{name}@{version}") for name, version, kind in (*python, *debian)}
    crates = {tuple(crate) for crate in json.loads(linked.read_text())}
    components = [
        {"type": "library", "name": name, "version": version, "purl": purl}
        for name, version, purl in sorted(named | crates)
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}


def packages(files: Iterable[str]) -> list[str]:
    """Return name and version of the Debian packages that own files, which dpkg may know by their path before /usr."""
    names = {str(Path(file).resolve()) for file in files} | {f"{LIBRARY}/os.py", f"{LIBRARY}/json/__init__.py"}
    both = {*names, *(name.removeprefix("/usr") for name in names)}
    owners = subprocess.run(["/usr/bin/dpkg", "-S", *sorted(both)], capture_output=True, text=True, check=False).stdout
    owned = sorted({line.partition(": ")[0] for line in owners.splitlines()})
    query = ["/usr/bin/dpkg-query", "-W", "-f=${Package}\t${Version}\n", *owned]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()


main(Path(sys.argv[1]), Path(sys.argv[2]))
