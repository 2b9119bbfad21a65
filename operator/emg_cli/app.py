"""`emg`: every command in one list; each command's module is imported only when it runs."""

import os
import sys
from dataclasses import dataclass
from importlib import metadata

from cyclopts import App, CycloptsError, UnknownCommandError

from emg_session.errors import Failure

OTHER_FAILURE_EXIT, USAGE_EXIT, INTERRUPTED_EXIT = 1, 2, 130


@dataclass(frozen=True)
class Command:
    """Where a command's function is, what it does, and a call of it that works."""

    function: str
    sentence: str
    example: str


COMMANDS = {
    "run": Command(
        "emg_cli.run:run",
        "Everything on this machine: PostgreSQL, storage, receiver, signals, viewer, local Jobs.",
        "emg run --port 8080 --data emg-data",
    ),
    "probe": Command(
        "emg_cli.probe:probe",
        "Print a recording's metadata, read from its header alone, as JSON.",
        "emg probe session.c3d",
    ),
    "analyze": Command(
        "emg_cli.analyze:analyze",
        "Print a recording's summary, as JSON or as a table.",
        "emg analyze session.c3d --format table",
    ),
    "signal": Command(
        "emg_cli.samples:signal",
        "Print samples of a channel, all or a window, at full or screen resolution.",
        "emg signal session.c3d --channel CH1 --start 10 --end 12 --width 800 --format csv",
    ),
    "verify": Command(
        "emg_cli.verify:verify",
        "Compare a recording's samples with what ezc3d reads, and say where and why they differ.",
        "emg verify session.c3d",
    ),
    "synth": Command(
        "emg_cli.synth:synth",
        "Write a realistic made-up recording whose truth is known.",
        "emg synth session.c3d --seed 7 --seconds 60 --truth truth.json",
    ),
    "migrate": Command(
        "emg_cli.migrate:migrate",
        "Bring the database to this program's schema, or show where it stands.",
        "EMG_DATABASE_URL=postgresql://emg@localhost/emg emg migrate --upgrade",
    ),
    "send": Command(
        "emg_cli.send:send",
        "Post the notice a sender would post for a file, signed; uploads nothing.",
        'emg send session.c3d --to http://127.0.0.1:8080 --key P001/session.c3d --secret "$(cat emg-data/webhook-key)"',
    ),
    "try": Command(
        "emg_cli.trying:try_installation",
        "Take a made-up recording through an installation: upload, notice, analysis, summary, window.",
        "emg try --receiver http://emg-receiver --signals http://emg-signals --token-file token",
    ),
    "results": Command(
        "emg_cli.trying:results",
        "Print the summaries of sessions, as the signals API has them.",
        "emg results emg-jrf5imgbujps --signals http://emg-signals --token-file token",
    ),
    "profiles": Command(
        "emg_cli.profiles:profiles",
        "Print the analysis profiles and their options as JSON.",
        "emg profiles",
    ),
}


def build_app() -> App:
    """Build the command line."""
    app = App(
        name="emg",
        help="EMG recordings: from C3D files to summaries and signals.",
        version=lambda: metadata.version("emg-operator"),
        help_format="plaintext",
    )
    for name, command in COMMANDS.items():
        app.command(command.function, name=name, help=command.sentence, help_epilogue=f"Example: {command.example}")
    return app


def main() -> None:
    """Run a command and leave with its exit code; whatever goes wrong is one line on stderr."""
    code = _run()
    sys.stdout.flush()
    sys.stderr.flush()
    # obstore's threads can abort an interpreter that is being torn down; and without a tear-down we are done sooner.
    os._exit(code)


def _run() -> int:
    try:
        return build_app()(exit_on_error=False, print_error=False, result_action="return_value") or 0
    except UnknownCommandError as error:  # its own text would import every command, to suggest one
        return _failed(USAGE_EXIT, f"there is no command {(error.unused_tokens or [''])[0]!r}: see `emg --help`")
    except CycloptsError as error:
        return _failed(USAGE_EXIT, f"{' '.join(str(error).split())} See --help.")
    except Failure as failure:
        from emg_cli.exit_codes import exit_code  # noqa: PLC0415 - needed only now

        return _failed(exit_code(failure), str(failure))
    except OSError as error:  # a file that can't be written, a reader that went away
        return _failed(OTHER_FAILURE_EXIT, f"{error.strerror}: {error.filename or 'output'}")
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT


def _failed(code: int, sentence: str) -> int:
    sys.stderr.write(f"emg: {' '.join(sentence.split())}\n")
    return code
