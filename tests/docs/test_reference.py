"""The reference says what the code does."""

import emg_core
import pytest

from tests.docs.options import OPTIONS
from tests.docs.reference import FOLDER, PAGES, page


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_makes(name: str) -> None:
    assert (FOLDER / f"{name}.md").read_text() == page(name), "run `make reference`"


def test_every_option_is_explained_and_nothing_else() -> None:
    assert set(OPTIONS) == {name for profile in emg_core.profiles().values() for name in profile["options"]}
