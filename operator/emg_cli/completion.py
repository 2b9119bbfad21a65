"""`emg completion`: what a shell needs to complete commands and options."""

import sys
from typing import Literal


def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print what makes a shell complete commands and options.

    Parameters
    ----------
    shell
        bash, zsh or fish.
    """
    from emg_cli.app import LINE  # noqa: PLC0415 - it names this module

    sys.stdout.write(LINE.build().generate_completion(shell=shell))
