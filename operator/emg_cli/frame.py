"""What `emg` and `kubectl emg` share: commands imported when they run, and every failure one line on stderr."""

import os
import sys
from collections.abc import Mapping
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


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """A program's name, what it is for, and its commands."""

    name: str
    sentence: str
    commands: Mapping[str, Command]

    def main(self) -> None:
        """Run a command and leave with its exit code."""
        code = self._run()
        sys.stdout.flush()
        sys.stderr.flush()
        # obstore's threads can abort an interpreter that is being torn down; without a tear-down we are done sooner.
        os._exit(code)

    def build(self) -> App:
        """Build the command line."""
        app = App(
            name=self.name,
            help=self.sentence,
            version=lambda: metadata.version("emg-operator"),
            help_format="plaintext",
        )
        for name, command in self.commands.items():
            app.command(command.function, name=name, help=command.sentence, help_epilogue=f"Example: {command.example}")
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
        except OSError as error:  # a file that can't be written, a reader that went away
            return self._failed(OTHER_FAILURE_EXIT, f"{error.strerror}: {error.filename or 'output'}")
        except KeyboardInterrupt:
            return INTERRUPTED_EXIT

    def _failed(self, code: int, sentence: str) -> int:
        sys.stderr.write(f"{self.name}: {' '.join(sentence.split())}\n")
        return code
