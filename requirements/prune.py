"""Remove what our programs never import of the Kubernetes client, 1,800 modules: a step of the image's build.

And what differs from build to build, though the programs do not: bills of materials in wheels have a number and a time
of their own. What they list is kept for ours, in the file that is named.
"""

import importlib
import json
import re
import sys
from pathlib import Path

PROGRAMS = (
    "emg_api.access.kubernetes",
    "emg_api.run_receiver",
    "emg_api.run_signals",
    "emg_operator.__main__",
    "emg_session.migrate",
    "emg_worker.__main__",
)


# The client imports a class's module when the class is first asked for.
ASKED_FOR = re.compile(r"\bclient\.([A-Z]\w+)")


def main(parts: Path) -> None:
    """Do both."""
    prune_client()
    installed = Path(importlib.import_module("numpy").__file__).parents[1]
    parts.write_text(json.dumps(sorted(linked(installed))))
    for path in (*installed.glob("*.dist-info/sboms/*"), *installed.glob("*.dist-info/RECORD")):
        path.unlink()


def linked(installed: Path) -> set[tuple[str, str, str]]:
    """Return name, version and purl of what is linked into the installed packages, as their wheels tell."""
    bills = [json.loads(path.read_text()) for path in installed.glob("*.dist-info/sboms/*.json")]
    components = [component for bill in bills for component in bill.get("components", ())]
    told = [(one["name"], one.get("version", ""), one.get("purl", "")) for one in components]
    # Beside where a crate was built, its purl says nothing that its name and version do not.
    return {(name, version, purl.partition("?")[0]) for name, version, purl in told if purl.startswith("pkg:cargo/")}


def prune_client() -> None:
    """Import all programs and what they ask the client for, and keep of its generated modules what that took."""
    client = importlib.import_module("kubernetes.aio.client")
    for program in PROGRAMS:
        (package,) = importlib.import_module(program.partition(".")[0]).__path__
        importlib.import_module(program)
        for source in Path(package).rglob("*.py"):
            for name in ASKED_FOR.findall(source.read_text()):
                getattr(client, name)
    used = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    (package,) = importlib.import_module("kubernetes").__path__
    for folder in Path(package).glob("**/client"):
        generated = [*folder.glob("api/*.py"), *folder.glob("models/*.py")]
        for path in generated:
            if str(path) not in used:
                path.unlink()


main(Path(sys.argv[1]))
