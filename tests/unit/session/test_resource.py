import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emg_session.errors import InvalidSession
from emg_session.object_order import ObjectOrder
from emg_session.resource import EMGSession, build_session, object_label, session_id, session_name, subject_of
from tests.support.sessions import SPEC, session, session_body


def test_the_name_is_a_hash_of_uri_and_version() -> None:
    # Witness: printf 's3://recordings/P001/one.c3d\n9b2c' | sha256sum, its bytes in base32, 12 lower-case characters.
    assert session_name("s3://recordings/P001/one.c3d", "9b2c") == "emg-jrf5imgbujps"


@given(st.text(), st.text())
def test_any_name_is_a_valid_label(uri: str, version: str) -> None:
    assert re.fullmatch(r"emg-[a-z2-7]{12}", session_name(uri, version))


def test_another_version_is_another_session() -> None:
    assert session_name("s3://r/a.c3d", "1") != session_name("s3://r/a.c3d", "2")


def test_all_versions_of_one_object_share_a_label() -> None:
    # Witness: printf 's3://recordings/P001/one.c3d' | sha256sum, its bytes in base32, 12 lower-case characters.
    manifest = build_session(SPEC, namespace="emg")
    assert manifest["metadata"]["labels"] == {"emg.ghostly/object": object_label(SPEC.recording.uri)}
    assert object_label("s3://recordings/P001/one.c3d") == "cbhracyxmu2i"


def test_a_sessions_place_among_its_objects_versions_is_read_back() -> None:
    order = ObjectOrder.of(sequence=("s3", "0055AED6"))
    body = session_body()
    body["metadata"]["annotations"] = order.to_annotations()
    assert EMGSession.from_body(body).order == order


def test_the_id_follows_from_the_name() -> None:
    assert session_id("emg-abc") == session_id("emg-abc") != session_id("emg-abd")


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        ("P001/one.c3d", "P001"),
        ("trial/P017/2023/one.c3d", "P017"),
        ("P001.c3d", None),
        ("Jane Doe/one.c3d", None),
    ],
)
def test_the_subject_is_a_code_in_the_folders_of_the_key(key: str, subject: str | None) -> None:
    assert subject_of(key) == subject


def test_a_built_session_reads_back_as_its_spec() -> None:
    assert session().spec == SPEC


def test_a_spec_that_cannot_be_read_names_the_field() -> None:
    body = session_body()
    body["spec"]["recording"]["sizeBytes"] = "many"
    with pytest.raises(InvalidSession, match=r"recording\.sizeBytes"):
        EMGSession.from_body(body)
