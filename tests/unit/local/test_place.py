import stat
from pathlib import Path

import pytest

from emg_local.place import Place
from emg_local.run import run
from emg_session.errors import InvalidSettings


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    secrets = Place(tmp_path).senders({})
    assert Place(tmp_path).senders({}) == secrets
    assert stat.S_IMODE((tmp_path / "webhook-key").stat().st_mode) == 0o600


def test_a_key_whose_writing_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "webhook-key.unfinished").touch()
    assert len(Place(tmp_path).senders({})[0].keys[0]) > 30


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "webhook-key").write_text(content)
    with pytest.raises(InvalidSettings, match="webhook-key holds an empty key"):
        Place(tmp_path).senders({})


def test_an_authentication_that_is_not_there_is_not_counted_on(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="EMG_AUTH may only be none"):
        run(data=tmp_path, port=0, demo=False, env={"EMG_AUTH": "oidc"})
