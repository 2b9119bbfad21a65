import msgspec
from hypothesis import given
from hypothesis import strategies as st

from emg_session.contract import ExitCode, TerminationMessage, WorkerContract
from emg_session.resource import RecordingRef, Reference, SessionSpec

NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
SPECS = st.builds(
    SessionSpec,
    recording=st.builds(
        RecordingRef, uri=st.text(min_size=1), version=st.text(), size_bytes=st.none() | st.integers(0)
    ),
    subject=st.none() | NAMES,
    profile=NAMES,
    options=st.dictionaries(NAMES, st.integers(-(10**9), 10**9)),
    reference=st.lists(st.builds(Reference, muscle=NAMES, mvc_nanovolts=st.integers(1))).map(tuple),
)


@given(NAMES, SPECS)
def test_the_worker_reads_what_the_operator_wrote(name: str, spec: SessionSpec) -> None:
    contract = WorkerContract(session_name=name, spec=spec)
    assert WorkerContract.from_env(contract.to_env()) == contract


def test_options_reach_the_core_under_its_names() -> None:
    spec = SessionSpec(
        recording=RecordingRef(uri="s3://r/a.c3d", version="1"),
        profile="ghostly-2",
        options={"contractionDurationThresholdMs": 1500},
        reference=(Reference(muscle="CH1", mvc_nanovolts=150_000),),
    )
    assert WorkerContract(session_name="emg-a", spec=spec).parameters() == {
        "profile": "ghostly-2",
        "options": {"contraction_duration_threshold_ms": 1500, "mvc_nanovolts": {"CH1": 150_000}},
    }


@given(st.text())
def test_last_words_fit_into_kubernetes_and_read_back(sentence: str) -> None:
    encoded = TerminationMessage(exit_code=ExitCode.CORRUPT, message=sentence).to_bytes()
    assert len(encoded) <= 4096
    read = TerminationMessage.from_text(encoded.decode())
    assert read is not None
    assert read.exit_code == ExitCode.CORRUPT


def test_a_cut_off_message_is_no_message() -> None:
    whole = TerminationMessage(exit_code=0, message="stored").to_bytes().decode()
    assert TerminationMessage.from_text(whole[:-3]) is None


def test_only_ten_to_nineteen_are_about_the_recording() -> None:
    assert [code.value for code in ExitCode if code.about_the_recording] == [10, 11, 12, 13, 14, 15, 16]


def test_the_contract_holds_no_null_where_nothing_is_said() -> None:
    spec = SessionSpec(recording=RecordingRef(uri="s3://r/a.c3d", version="1"), profile="p")
    assert msgspec.to_builtins(spec) == {"recording": {"uri": "s3://r/a.c3d", "version": "1"}, "profile": "p"}
