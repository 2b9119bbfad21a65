"""How many bytes a plot costs: read from storage, and sent as JSON."""

import emg_core

from emg_api.bands import Band, pixel_times
from emg_api.numbers import json_array
from emg_api.responses import encode
from emg_api.window_answers import WindowAnswer

CHANNEL, WIDTH = "CH1 Raw", 2000
# Not at the start of a frame: the worst case.
WINDOW_S = (5.01, 15.01)


def window_bytes(data: bytes) -> int:
    """Return how many bytes of the recording hold ten seconds."""
    _, _, start_byte, end_byte = emg_core.Layout(data[:1536], len(data)).frame_window(*WINDOW_S)
    return end_byte - start_byte


def band_json(data: bytes) -> bytes:
    """Return a whole channel at width 2000 as the signals API answers, in microvolts."""
    samples = emg_core.open(data)[CHANNEL].samples
    rate_hz = emg_core.open(data).metadata["sample_rate_hz"]
    band = Band(len(samples), WIDTH)
    band.add(0, samples)
    minimum, maximum = band.scaled(1e6)
    answer = WindowAnswer(
        channel_name=CHANNEL,
        unit="µV",
        sampling_rate=rate_hz,
        duration_seconds=len(samples) / rate_hz,
        start_seconds=0.0,
        end_seconds=len(samples) / rate_hz,
        samples_per_pixel=len(samples) / WIDTH,
        time_axis=json_array(pixel_times(0, len(samples), WIDTH, rate_hz)),
        minimum=json_array(minimum),
        maximum=json_array(maximum),
        profile="standard-1",
        envelope=None,
        rms=None,
        gaps=[],
        contractions=[],
        faults=[],
    )
    return encode(answer)
