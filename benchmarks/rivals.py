"""What other toolboxes do to a raw channel: NeuroKit2 and BioSPPy, where `make bench-rivals` has put them.

They do less: an envelope and where it is active, without spectra, faults, references or scores.
"""

import importlib
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from scipy_analysis import RATE, Array

FOLDER = Path(__file__).resolve().parents[1] / "build" / "rivals"
MODULES = {"NeuroKit2": "neurokit2", "BioSPPy": "biosppy.signals.emg"}


def found() -> dict[str, Any]:
    """Return the rivals that can be imported; what this environment has comes before what lies in their folder."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    warnings.filterwarnings("ignore")  # theirs about each other's versions
    modules: dict[str, Any] = {}
    for name, module in MODULES.items():
        with suppress(ImportError):
            modules[name] = importlib.import_module(module)
    return modules


def missing() -> list[str]:
    return sorted(MODULES.keys() - found().keys())


def tasks(raw: Array) -> dict[str, Callable[[], object]]:
    """Return what the rivals there are do to raw channels, shape (m, n), which are decoded already."""
    modules = found()
    done: dict[str, Callable[[], object]] = {}
    if neurokit2 := modules.get("NeuroKit2"):
        rate_hz = int(RATE)
        done["emg_process"] = lambda: [neurokit2.emg_process(channel, sampling_rate=rate_hz) for channel in raw]
        done["emg_amplitude"] = lambda: neurokit2.emg_amplitude(neurokit2.emg_clean(raw[0], sampling_rate=rate_hz))
    if emg := modules.get("BioSPPy"):
        done["biosppy"] = lambda: [emg.emg(channel, sampling_rate=RATE, show=False) for channel in raw]
    return done
