"""Reference pages made from the code itself: `make reference` writes docs/reference/, a test holds them to it."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import emg_core
import psycopg
import yaml

from emg_api.app import receiver_operations, signals_operations
from emg_api.openapi import document
from emg_api.receiver import Receiver
from emg_api.sessions import Sessions
from emg_api.signals import Signals
from emg_cli.app import LINE
from emg_cli.frame import INTERRUPTED_EXIT, NOBODY_READS_EXIT, OTHER_FAILURE_EXIT, USAGE_EXIT
from emg_cli.kubectl.app import LINE as KUBECTL
from emg_session import migrate
from emg_session.contract import ExitCode
from tests.docs.options import OPTIONS
from tests.support.api_server import DEFINITION
from tests.support.postgres import fresh_database, running_server

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
MADE = "<!-- Made by `make reference`; change the code instead. -->\n\n"

_COLUMNS = """
SELECT c.relname, c.relkind, obj_description(c.oid), a.attname, format_type(a.atttypid, a.atttypmod),
       col_description(c.oid, a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('public', 'research') AND c.relkind IN ('r', 'v', 'p')
ORDER BY c.relkind DESC, c.relname, a.attnum
"""


def command_line() -> str:
    """Return every command of `emg` and `kubectl emg` with its options."""
    pages = (line.build().generate_docs(output_format="markdown") for line in (LINE, KUBECTL))
    told = "\n".join(page.replace("\n#", "\n##").replace("# ", "## ", 1) for page in pages)
    return f"# Command line\n\nThe last section tells the [exit codes](#exit-codes).\n\n{told}\n{_exit_codes()}"


def profiles() -> str:
    """Return every option of every profile."""
    found = emg_core.profiles()
    head = f"| option | {' | '.join(found)} | means |\n|---|{'---|' * len(found)}---|\n"
    names = dict.fromkeys(name for profile in found.values() for name in profile["options"])
    rows = (_row(f"`{name}`", *(_value(found[one]["options"], name) for one in found), OPTIONS[name]) for name in names)
    about = (
        "`spec.options` of a session has them in camelCase, and of a named value the number in brackets; "
        "`--option` of `emg`\ntakes either. A profile's digest is kept with every result.\n\n"
    )
    return "# Profiles\n\n" + about + head + "".join(rows)


def http() -> str:
    """Return every operation of receiver and signals API."""
    # Only the tables are looked at: nothing that these need is there.
    receiver, signals, sessions = (kind.__new__(kind) for kind in (Receiver, Signals, Sessions))
    programs = {"Receiver": receiver_operations(receiver), "Signals API": signals_operations(signals, sessions)}
    told = (_operations(name, document(operations, name)) for name, operations in programs.items())
    return "# HTTP\n\n" + "\n".join(line for program in told for line in program)


def emgsession() -> str:
    """Return every field of an EMGSession."""
    schema = yaml.safe_load(DEFINITION.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    head = "| field | type | default | means |\n|---|---|---|---|\n"
    about = "`kubectl explain emgsession --recursive` tells the same.\n\n"
    return "# EMGSession\n\n" + about + head + "".join(_fields("", schema))


def database() -> str:
    """Return every table and view of a new database."""
    with running_server() as server, fresh_database(server) as url:
        migrate.upgrade(url)
        with psycopg.connect(url) as connection:
            rows = connection.execute(_COLUMNS).fetchall()
    tables = (_table(list(columns)) for _, columns in groupby(rows, key=lambda row: row[0]))
    return "# Database\n\n" + "\n".join(tables)


PAGES: dict[str, Callable[[], str]] = {
    "command-line": command_line,
    "profiles": profiles,
    "http": http,
    "emgsession": emgsession,
    "database": database,
}


def page(name: str) -> str:
    """Return a page as it has to be."""
    return MADE + PAGES[name]().strip() + "\n"


def _operations(program: str, told: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {program}\n"
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            summary = operation["summary"].strip()
            yield f"### {method.upper()} {path}\n\n{summary[0].upper()}{summary[1:]}\n"
            yield "".join(_parameters(operation)) + _answers(operation)


def _parameters(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", []):
        required = ", required" if parameter.get("required") else ""
        about = parameter.get("description") or parameter["schema"].get("description", "")
        yield f"- `{parameter['name']}` ({parameter['in']}{required}){about and ': '}{about}\n"


def _answers(operation: Mapping[str, Any]) -> str:
    lines = []
    for status, answer in operation["responses"].items():
        kinds = ", ".join(f"`{kind}`" for kind in answer.get("content", {}) if kind != "application/problem+json")
        problems = [line.split("`")[1] for line in answer["description"].splitlines() if line.startswith("- `")]
        lines.append(f"| {status} | {kinds or ', '.join(f'`{one}`' for one in problems) or answer['description']} |")
    return "\n| answer | as, or problem |\n|---|---|\n" + "\n".join(lines) + "\n"


def _fields(path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        place = f"{path}.{name}"
        default = f"`{field['default']}`" if "default" in field else ""
        yield _row(f"`{place}`", field.get("type", ""), default, field.get("description", ""))
        yield from _fields(place, field)
        yield from _fields(f"{place}[]", field.get("items", {}))


def _exit_codes() -> str:
    """Return how commands and workers end; what is about the recording never gets better."""
    others = {
        OTHER_FAILURE_EXIT: "another failure, which the line on stderr tells",
        USAGE_EXIT: "the call or a setting is wrong",
        INTERRUPTED_EXIT: "interrupted",
        NOBODY_READS_EXIT: "whoever read the output had enough",
    }
    told = {int(code): code.name.lower().replace("_", " ") for code in ExitCode} | others
    hopeless = {int(code) for code in ExitCode if code.about_the_recording}
    head = "## Exit codes\n\n| code | means | again |\n|---|---|---|\n"
    rows = (_row(str(code), told[code], "never helps" if code in hopeless else "") for code in sorted(told))
    return head + "".join(rows)


def _table(columns: list[tuple[Any, ...]]) -> str:
    name, kind, about = columns[0][:3]
    rows = (_row(f"`{column}`", kind_of, told or "") for *_, column, kind_of, told in columns)
    title = f"## {'View' if kind == 'v' else 'Table'} `{name}`\n\n{about or ''}\n\n"
    return title + "| column | type | means |\n|---|---|---|\n" + "".join(rows)


def _value(options: Mapping[str, Any], name: str) -> str:
    return f"`{options[name]}`" if name in options else "-"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for written in PAGES:
        (FOLDER / f"{written}.md").write_text(page(written))
