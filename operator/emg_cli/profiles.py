"""`emg profiles`."""

import emg_core

from emg_cli.output import print_json


def profiles() -> None:
    """Print the analysis profiles and their options as JSON."""
    print_json(emg_core.profiles())
