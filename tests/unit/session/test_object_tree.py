import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import S3Store

from emg_session.errors import StorageUnavailable
from emg_session.object_tree import behind_unreadable, tree_pages
from tests.support.s3_listing import serving_listing

GOOD = [f"P{subject:03}/take-{number}.c3d" for subject in range(3) for number in range(6)] + [
    "Q001/2026/a.c3d",
    "z.c3d",
]


async def listed(*keys: str) -> tuple[set[str], int]:
    with serving_listing(keys) as endpoint:
        store = S3Store("recordings", endpoint=endpoint, skip_signature=True, client_options={"allow_http": True})
        pages = [page async for page in tree_pages(store)]
    return {meta["path"] for page in pages for meta in page.objects}, sum(page.unreadable for page in pages)


async def test_a_bucket_is_listed_page_by_page() -> None:
    assert await listed(*GOOD) == ({*GOOD}, 0)


@pytest.mark.parametrize(
    "key", ["P001//x.c3d", "P001/../x.c3d", "P001/./x.c3d", "Q001/2026//a.c3d", "Q000/\x7f", "//a"]
)
async def test_a_key_that_is_no_path_hides_nothing_but_itself(key: str) -> None:
    assert await listed(*GOOD, key) == ({*GOOD}, 1)


async def test_several_such_keys_in_one_folder_are_passed_over_those_of_one_kind_at_once() -> None:
    odd = ["P001//a.c3d", "P001//b.c3d", "P001/../c.c3d", 'P001/take-9" contained\x7f']
    found, unreadable = await listed(*GOOD, *odd)
    assert ({*GOOD} - found <= {"P001/take-4.c3d", "P001/take-5.c3d"}, unreadable) == (True, 3)


async def test_what_lies_before_such_a_key_in_its_folder_may_be_missed_and_nothing_else() -> None:
    found, unreadable = await listed(*GOOD, "P001/take-3\x7f")
    assert unreadable == 1
    assert {*GOOD} - found <= {f"P001/take-{number}.c3d" for number in range(4)}


async def test_a_bucket_full_of_such_keys_ends_its_listing() -> None:
    with pytest.raises(StorageUnavailable, match="rename them"):
        await listed(*(f"P001/{number:03}\x7f" for number in range(101)))


@given(st.text(min_size=1, max_size=12, alphabet="/.a0 \t\x7f\u00e9"))
def test_what_is_behind_a_key_sorts_behind_it_and_is_a_path(key: str) -> None:
    try:
        behind = behind_unreadable(key)
    except StorageUnavailable:
        return
    assert behind.encode() > key.encode()
    assert all(part not in ("", ".", "..") and part.rstrip("\x80").isprintable() for part in behind.split("/"))
