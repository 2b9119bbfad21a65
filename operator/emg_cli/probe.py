"""`emg probe`."""

import asyncio

from emg_cli.opening import open_recording
from emg_cli.output import print_json


def probe(source: str) -> None:
    """Print a recording's metadata, read from its header alone, as JSON.

    Parameters
    ----------
    source
        A C3D file, or a URI in a bucket of EMG_BUCKETS.
    """
    layout, _ = asyncio.run(open_recording(source).layout())
    print_json(layout.metadata)
