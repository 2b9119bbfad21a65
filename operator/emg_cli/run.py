"""`emg run`."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from emg_local.run import run as run_here

_Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65535))]
_DATA = Path("emg-data")


def run(*, port: _Port = 8080, data: Path = _DATA, demo: bool = False) -> int:
    """Everything on this machine: PostgreSQL, storage, receiver, signals, viewer, local Jobs.

    Parameters
    ----------
    port
        Where to serve on this machine; 0 is any free port.
    data
        Where everything is kept.
    demo
        Analyse a made-up recording, then exit: 0 if all of it worked.
    """
    return run_here(data=data, port=port, demo=demo, env=os.environ)
