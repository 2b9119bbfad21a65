"""Remove what our programs never import of the Kubernetes client, 1,800 modules: a step of the image's build."""

import importlib
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


def main() -> None:
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


main()
