"""Speed and memory of emg_core beside SciPy, ezc3d and other toolboxes, in one run: machines differ, ratios less.

Run as `make bench`. Every row is measured in turn with the others, a few times in a row, and the best counts. The other
toolboxes are NeuroKit2 and BioSPPy, where `make bench-rivals` has installed them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import emg_core
import ezc3d
import numpy as np
import rivals
import sizes
from scipy_analysis import PLAIN, QUICK, RATE, Array, decode

from emg_api.whole import WholeQuery, whole_chunks

LONGEST = "shared/data/c3d/real/ghostly/Ghostly_Emg_20230321_17-50-17-0881.c3d"
BLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ROUNDS, REPEATS, SECONDS = 15, 4, 40.0
SLOW_S = 0.2
PEAK_MEMORY = """
import pathlib, re, sys, emg_core
def status(name): return int(re.search(name + r":\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
data = pathlib.Path(sys.argv[1]).read_bytes()
pathlib.Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
emg_core.open(data).analyze_json()
print((status("VmHWM") - before) * 1024 / len(data))
"""

Row = tuple[str, str, str, str]


def main() -> None:
    run_without(BLAS_OVERRIDES)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        path = recording(Path(folder))
        data = path.read_bytes()
        best = best_seconds(tasks(path, data, pool) | rivals.tasks(decode(data)[:2]))
        print(f"{path.name}: {len(data)} bytes, {os.cpu_count()} processors, best of up to {ROUNDS * REPEATS}\n")
        print_table([*speed_rows(best), standard_row(best), memory_row(path), *size_rows(data)])
    if absent := rivals.missing():
        print(f"\nnot compared with {' and '.join(absent)}: `make bench-rivals` installs both")


def run_without(names: tuple[str, ...]) -> None:
    """Start again without settings that slow the witness down; nobody else's environment changes."""
    if any(name in os.environ for name in names):
        kept = {key: value for key, value in os.environ.items() if key not in names}
        os.execve(sys.executable, [sys.executable, *sys.argv], kept)


def recording(folder: Path) -> Path:
    """Return the longest real recording where it is, else a synthetic one."""
    real = Path(__file__).resolve().parents[2] / LONGEST
    if real.exists():
        return real
    from emg_local.synth import synthesize, write_recording  # noqa: PLC0415  (needed only here)

    path = folder / "synthetic.c3d"
    write_recording(synthesize(seed=1, seconds=175.0, contractions=20), path)
    return path


def tasks(path: Path, data: bytes, pool: ThreadPoolExecutor) -> dict[str, Callable[[], object]]:
    header = data[:1536]
    return {
        "probe": lambda: [emg_core.probe(header, len(data)) for _ in range(100)],
        "ezc3d": lambda: ezc3d.c3d(str(path)),
        "analysis": lambda: emg_core.open(data).analyze("ghostly-2"),
        "standard": lambda: emg_core.open(data).analyze("standard-1"),
        "scipy": lambda: PLAIN.analysis(data),
        "quick scipy": lambda: QUICK.analysis(data),
        "scipy on threads": lambda: QUICK.analysis_on(pool, data),
        "signal": lambda: emg_core.min_max(emg_core.open(data)["CH1 Raw"].samples, 2000),
        "numpy signal": lambda: reduced(decode(data)[0]),
        "envelope": lambda: emg_core.open(data).envelope("CH1"),
        "scipy envelope": lambda: QUICK.envelope(decode(data)[0]),
        "json": lambda: whole_json(emg_core.open(data)["CH1 Raw"].samples),
        "json.dumps": lambda: dumped(decode(data)[0]),
    }


def whole_json(samples: Array) -> bytes:
    """Encode samples, times and moving RMS as the signals API does."""
    return b"".join(whole_chunks("CH1 Raw", samples, RATE, WholeQuery(), datetime.now(UTC)))


def dumped(samples: Array) -> str:
    times, rms = np.arange(len(samples)) / RATE, np.sqrt(QUICK.average(samples**2, 49).clip(0))
    return json.dumps({"data": samples.tolist(), "time_axis": times.tolist(), "rms_envelope": rms.tolist()})


def reduced(samples: Array) -> tuple[Array, Array]:
    edges = np.arange(2000) * len(samples) // 2000
    return np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)


def best_seconds(tasks: dict[str, Callable[[], object]]) -> dict[str, float]:
    best = dict.fromkeys(tasks, float("inf"))
    end = time.perf_counter() + SECONDS
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            best[name] = min(best[name], quickest(task))
        if time.perf_counter() > end:
            break
    return best | {"probe": best["probe"] / 100}


def quickest(task: Callable[[], object]) -> float:
    """Return the best of a few runs; a slow task has one, lest it take the others' time."""
    first = timeit.timeit(task, number=1)
    return first if first > SLOW_S else min(first, *timeit.repeat(task, number=1, repeat=REPEATS - 1))


def speed_rows(best: dict[str, float]) -> list[Row]:
    pairs = [
        ("metadata from 1536 bytes, against ezc3d's load", "probe", "ezc3d", "≥ 4000 x, ≤ 0.010 ms"),
        ("ghostly-2 with sha256, against SciPy in batches", "analysis", "scipy", "≥ 15 x on two quiet cores"),
        ("the same, against the quickest SciPy found", "analysis", "quick scipy", ""),
        ("the same, against that on two threads", "analysis", "scipy on threads", ""),
        ("the same, against NeuroKit2's emg_process", "analysis", "emg_process", ""),
        ("the same, against BioSPPy's emg", "analysis", "biosppy", ""),
        ("one channel at width 2000, against numpy", "signal", "numpy signal", "≤ 0.35 ms"),
        ("envelope of one channel, against SciPy", "envelope", "scipy envelope", "≤ 1.1 ms"),
        ("the same, against NeuroKit2's clean and amplitude", "envelope", "emg_amplitude", ""),
        ("every sample of a channel as JSON, against Python's", "json", "json.dumps", "≤ 14 ms"),
    ]
    return [
        (what, f"{best[ours] * 1e3:.4f} ms", f"{best[theirs] / best[ours]:.1f} x of {best[theirs] * 1e3:.2f} ms", goal)
        for what, ours, theirs, goal in pairs
        if theirs in best
    ]


def standard_row(best: dict[str, float]) -> Row:
    ours, theirs = best["standard"], best["analysis"]
    compared = f"{ours / theirs:.2f} x its {theirs * 1e3:.2f} ms"
    return ("standard-1 with sha256, as against ghostly-2", f"{ours * 1e3:.4f} ms", compared, "≤ 2 x its time")


def memory_row(path: Path) -> Row:
    child = subprocess.run([sys.executable, "-c", PEAK_MEMORY, path], capture_output=True, text=True, check=True)
    return ("peak memory of one analysis beyond the recording", f"{float(child.stdout):.2f} x its size", "", "≤ 2.5 x")


def size_rows(data: bytes) -> list[Row]:
    window, band = sizes.window_bytes(data), len(sizes.band_json(data))
    return [
        ("bytes of the recording that hold 10 s", f"{window / 1e3:.1f} kB", "", "≤ 165 kB"),
        ("one channel at width 2000 as JSON", f"{band / 1e3:.1f} kB", "", "≤ 64 kB"),
    ]


def print_table(rows: list[Row]) -> None:
    for row in [("what", "ours", "compared", "goal"), *rows]:
        print(f"{row[0]:<52}{row[1]:<18}{row[2]:<24}{row[3]}")


if __name__ == "__main__":
    main()
