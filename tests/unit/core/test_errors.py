"""Errors say what is wrong, where, and what would be right."""

import json
import os
import re
from pathlib import Path
from typing import Any

import emg_core
import pytest


def test_too_short_a_prefix_says_how_much_suffices() -> None:
    with pytest.raises(emg_core.NeedMoreBytes) as raised:
        emg_core.probe(b"\x02\x50")
    assert raised.value.needed == 4096


def test_an_empty_recording_has_too_few_bytes() -> None:
    with pytest.raises(emg_core.C3dError) as raised:
        emg_core.open(b"")
    assert (raised.value.cause, raised.value.offset) == ("TooFewBytes", 0)


@pytest.mark.parametrize(
    ("at", "value", "cause", "offset"),
    [
        (1, 0x51, "NotC3d", 1),
        (0, 0, "BadParameterBlock", 0),
        (515, 7, "UnknownProcessor", 515),
        (516, 0, "NoParameters", 512),
        (18, 0, "BadLayout", 4),
    ],
)
def test_a_fault_names_its_cause_and_offset(longest: bytes, at: int, value: int, cause: str, offset: int) -> None:
    broken = bytearray(longest[:1536])
    broken[at] = value
    with pytest.raises(emg_core.C3dError) as raised:
        emg_core.probe(broken, len(longest))
    assert (raised.value.cause, raised.value.offset) == (cause, offset)


def test_a_missing_path_is_the_usual_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        emg_core.open(tmp_path / "nothing.c3d")
    assert str(raised.value.filename) == str(tmp_path / "nothing.c3d")


def test_an_unknown_profile_is_named(longest: bytes) -> None:
    with pytest.raises(emg_core.AnalysisError, match='no profile "standard-9"; there is ghostly-2') as raised:
        emg_core.open(longest).analyze("standard-9")
    assert raised.value.cause == "UnknownProfile"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"high_pass_hz": 0}, "high_pass_hz is 0, but it must lie between 1 and 1000"),
        ({"high_pass_hz": 20.5}, "high_pass_hz is 20.5"),
        ({"hi_pass_hz": 20}, "unknown field `hi_pass_hz`"),
        ({"mvc_nanovolts": {"CH9": 150_000}}, "mvc_nanovolts is CH9, but the muscles are CH1, CH2"),
        ({"high_pass_hz": object()}, "unsupported type"),
    ],
)
def test_an_impossible_option_is_named_with_its_bound(longest: bytes, options: dict[str, Any], message: str) -> None:
    with pytest.raises(emg_core.AnalysisError, match=re.escape(message)) as raised:
        emg_core.open(longest).analyze(options=options)
    assert raised.value.cause == "BadOption"


def test_what_is_no_hash_is_refused(longest: bytes) -> None:
    with pytest.raises(emg_core.AnalysisError, match="sha256"):
        emg_core.open(longest, sha256="0123")


def test_a_known_hash_is_taken_over(longest: bytes) -> None:
    known = emg_core.open(longest).analyze()["provenance"]["sha256"]
    recording = emg_core.open(longest, sha256=known)
    assert recording.metadata["sha256"] == recording.analyze()["recording"]["sha256"] == known


def test_the_dict_is_the_canonical_document(longest: bytes) -> None:
    recording = emg_core.open(longest)
    assert json.loads(recording.analyze_json()) == recording.analyze()


def test_profiles_tell_their_options_and_digest(longest: bytes) -> None:
    for name, profile in emg_core.profiles().items():
        assert emg_core.open(longest).analyze(name)["profile"] == {"name": name, **profile}


def test_an_analysis_survives_a_fork(longest: bytes) -> None:
    expected = emg_core.open(longest).analyze_json()
    child = os.fork()
    if child == 0:
        os._exit(int(emg_core.open(longest).analyze_json() != expected))
    assert os.waitpid(child, 0)[1] == 0
