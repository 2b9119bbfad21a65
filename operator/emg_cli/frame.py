"""What `emg` and `kubectl emg` share: commands imported when they run, and every failure one line on stderr."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from io import TextIOWrapper

from cyclopts import App, CycloptsError, Parameter, UnknownCommandError

from emg_session.errors import Failure

OTHER_FAILURE_EXIT, USAGE_EXIT, INTERRUPTED_EXIT, NOBODY_READS_EXIT = 1, 2, 130, 141
# Ctrl-C, and a reader such as `head` that has enough.
_QUIET_ENDS = {KeyboardInterrupt: INTERRUPTED_EXIT, BrokenPipeError: NOBODY_READS_EXIT}


@dataclass(frozen=True)
class Command:
    """Where a command's function is, what it does, and a call of it that works."""

    function: str
    sentence: str
    example: str


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """A program's name, what it is for, and its commands."""

    name: str
    sentence: str
    commands: Mapping[str, Command]

    def main(self) -> None:
        """Run a command and leave with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal that has no µ gets a ?
        code = self._flushed(self._run())
        # obstore's threads can abort an interpreter that is being torn down; without a tear-down we are done sooner.
        os._exit(code)

    def build(self) -> App:
        """Build the command line."""
        app = App(
            name=self.name,
            help=self.sentence,
            version=lambda: metadata.version("emg-operator"),
            help_format="plaintext",
            default_parameter=Parameter(negative_iterable=()),
        )
        for place, (name, command) in enumerate(self.commands.items()):
            app.command(
                command.function,
                name=name,
                help=command.sentence,
                help_epilogue=f"Example: {command.example}",
                sort_key=place,
            )
        return app

    def _run(self) -> int:
        try:
            return self.build()(exit_on_error=False, print_error=False, result_action="return_value") or 0
        except UnknownCommandError as error:  # its own text would import every command, to suggest one
            unknown = (error.unused_tokens or [""])[0]
            return self._failed(USAGE_EXIT, f"there is no command {unknown!r}: see `{self.name} --help`")
        except CycloptsError as error:
            return self._failed(USAGE_EXIT, f"{' '.join(str(error).split())} See --help.")
        except Failure as failure:
            from emg_cli.exit_codes import exit_code  # noqa: PLC0415 - needed only now

            return self._failed(exit_code(failure), str(failure))
        except (BrokenPipeError, KeyboardInterrupt) as end:
            return _QUIET_ENDS[type(end)]
        except OSError as error:  # a file that can't be written
            return self._failed(OTHER_FAILURE_EXIT, f"{error.strerror}: {error.filename or 'output'}")

    def _flushed(self, code: int) -> int:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except BrokenPipeError:
            return code or NOBODY_READS_EXIT
        return code

    def _failed(self, code: int, sentence: str) -> int:
        sys.stderr.write(f"{self.name}: {' '.join(sentence.split())}\n")
        return code
