"""A recording's channels as people name them."""

from collections.abc import Mapping
from typing import Any

import emg_core

from emg_api.refusals import ChannelNotFound
from emg_session.database import StoredSession

_MICROVOLTS = {"V": 1e6, "mV": 1e3, "uV": 1.0, "µV": 1.0, "μV": 1.0}  # a file may hold either letter

_UNITS_IN_A_VOLT = {"mV": 1e3, "mv": 1e3, "uV": 1e6, "uv": 1e6, "µV": 1e6, "μV": 1e6}


def find_channel(layout: emg_core.Layout, name: str) -> int:
    """Return the number of the channel a person means (any case; `CH1` is `CH1 Raw`); raises ChannelNotFound."""
    try:
        return layout.channel_index(name)
    except KeyError as error:
        raise ChannelNotFound("the recording has no channel of this name") from error


def unit_of(channel: Mapping[str, Any]) -> str | None:
    """Return the unit of a channel's samples; a muscle's is volts where the file does not say (flag UnitsAssumed)."""
    stated = (channel["unit"] or "").strip()
    return stated or ("V" if channel["muscle"] else None)


def display_scale(unit: str | None) -> tuple[float, str | None]:
    """Return factor and unit for plotting: EMG is read in microvolts, anything else as it is."""
    return (_MICROVOLTS[unit], "µV") if unit in _MICROVOLTS else (1.0, unit)


def units_in_a_volt(unit: str | None) -> float:
    """Return by what a summary's volts become a channel's own unit; a unit that is not known stands for volts there."""
    return _UNITS_IN_A_VOLT.get(unit or "", 1.0)


def verdicts(session: StoredSession) -> dict[str, str]:
    """Return each channel's verdict on its quality; empty before the analysis."""
    summary = session.analytics_summary
    return {channel["name"]: channel["verdict"] for channel in summary["channels"]} if summary else {}
