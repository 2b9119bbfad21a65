"""Recordings made on the spot, for tests that need any realistic one."""

from pathlib import Path

from emg_local.synth import synthesize, write_recording


def synthetic_recording(folder: Path, *, seed: int = 1, seconds: float = 20.0) -> Path:
    """Write a GHOSTLY recording with known truth into a folder and return its path."""
    path = folder / f"synthetic-{seed}.c3d"
    write_recording(synthesize(seed=seed, seconds=seconds, contractions=4), path)
    return path
