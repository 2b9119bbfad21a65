"""What other toolboxes do to a raw channel: NeuroKit2 and BioSPPy, where `make bench-rivals` has put them.

They do less: an envelope and where it is active, without spectra, faults, references or scores.
"""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from scipy_analysis import RATE, Array

FOLDER = Path(__file__).resolve().parents[1] / "build" / "rivals"
NAMES = ("neurokit2", "biosppy")


def missing() -> list[str]:
    """Return the rivals that cannot be imported; what this environment has comes before what lies in their folder."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return [name for name in NAMES if importlib.util.find_spec(name) is None]


def tasks(raw: Array) -> dict[str, Callable[[], object]]:
    """Return what the rivals there are do to raw channels, shape (m, n), which are decoded already."""
    absent = missing()
    warnings.filterwarnings("ignore")  # theirs about each other's versions
    found: dict[str, Callable[[], object]] = {}
    if "neurokit2" not in absent:
        neurokit2: Any = importlib.import_module("neurokit2")
        process = partial(neurokit2.emg_process, sampling_rate=int(RATE))
        found |= {"emg_process": lambda: [process(channel) for channel in raw]}
        found |= {
            "emg_amplitude": lambda: neurokit2.emg_amplitude(neurokit2.emg_clean(raw[0], sampling_rate=int(RATE)))
        }
    if "biosppy" not in absent:
        emg: Any = importlib.import_module("biosppy.signals.emg")
        found |= {"biosppy": lambda: [emg.emg(channel, sampling_rate=RATE, show=False) for channel in raw]}
    return found
