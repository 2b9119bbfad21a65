"""What a call asks of the analysis: `--profile`, `--option` and `--mvc`, as a session's spec would say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from emg_session.contract import WorkerContract
from emg_session.errors import InvalidSettings
from emg_session.resource import RecordingRef, Reference, SessionSpec

Repeated = Annotated[tuple[str, ...], Parameter(show_default=False)]

_NANOVOLTS = 1e9
# Options whose values have names; their places are the numbers a session's spec has.
OPTION_WORDS = {
    "detector": ("threshold", "hodges-bui-tkeo", "bonato"),
    "reference": ("none", "in-task-p95", "default"),
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A profile, its options, and maximum voluntary contractions that were measured apart."""

    profile: str
    options: dict[str, int]
    reference: tuple[Reference, ...]

    @classmethod
    def parse(cls, profile: str, options: Sequence[str] = (), mvc: Sequence[str] = ()) -> "Asked":
        """Read NAME=VALUE pairs; raises InvalidSettings."""
        return cls(
            profile=profile,
            options={_camel_case(name): _whole(name, value) for name, value in map(_pair, options)},
            reference=tuple(
                Reference(muscle=muscle, mvc_nanovolts=_nanovolts(muscle, volts)) for muscle, volts in map(_pair, mvc)
            ),
        )

    def contract(self, recording: RecordingRef) -> WorkerContract:
        """Return what a worker would be told."""
        spec = SessionSpec(recording=recording, profile=self.profile, options=self.options, reference=self.reference)
        return WorkerContract(session_name="", spec=spec)


def _pair(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not (is_pair and name):
        raise InvalidSettings(f"{text!r} is no NAME=VALUE pair, such as high_pass_hz=30 or CH1=0.00015")
    return name, value


def _whole(name: str, value: str) -> int:
    words = OPTION_WORDS.get(name, ())
    if value in words:
        return words.index(value)
    try:
        return int(value)
    except ValueError as error:
        expected = f"one of {', '.join(words)}" if words else "a whole number in its name's unit"
        raise InvalidSettings(f"option {name} is {value!r}: it has to be {expected}") from error


def _nanovolts(muscle: str, volts: str) -> int:
    try:
        return round(float(volts) * _NANOVOLTS)
    except (ValueError, OverflowError) as error:
        raise InvalidSettings(f"the reference of {muscle} is {volts!r}: say it in volts, such as 0.00015") from error


def _camel_case(name: str) -> str:
    """Return an option's name as specs have it; both ways of writing are understood."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
