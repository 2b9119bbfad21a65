"""`emg synth`."""

from pathlib import Path

import msgspec

from emg_local.synth import synthesize, write_recording


def synth(
    out: Path,
    *,
    seed: int = 1,
    seconds: float = 75.0,
    contractions: int = 12,
    faults: bool = False,
    truth: Path | None = None,
) -> None:
    """Write a realistic made-up recording whose truth is known.

    Parameters
    ----------
    out
        The C3D file to write.
    seed
        The same seed and options give the same recording.
    seconds
        Length of the recording.
    contractions
        Contractions of each of its two muscles.
    faults
        Put two of every kind into each raw channel: dropouts, saturation, standstill, samples that are no number.
    truth
        Where to write what is in it, as JSON: onsets, amplitudes, lag, noise, faults.
    """
    recording = synthesize(seed=seed, seconds=seconds, contractions=contractions, faults=faults)
    write_recording(recording, out)
    if truth is not None:
        truth.write_bytes(msgspec.json.format(msgspec.json.encode(recording.truth), indent=2) + b"\n")
