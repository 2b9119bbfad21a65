import pytest

from emg_api.page import VIEWER_FOLDER
from tests.support.needs import require


@pytest.fixture(autouse=True)
def built() -> None:
    require((VIEWER_FOLDER / "index.html").exists(), "the viewer is not built: run `make build`")


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/html"), ("/viewer/main.js", "text/javascript"), ("/viewer/main.css", "text/css")]
)
async def test_the_page_may_load_nothing_but_itself(web, path, kind):
    response = await web.get(path)

    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, kind)
    assert response.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    )
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_page_the_browser_has_is_not_sent_again(web):
    first = await web.get("/")

    assert (await web.get("/", headers={"if-none-match": first.headers["etag"]})).status_code == 304


@pytest.mark.parametrize("name", ["package.json", "index.html", "..%2fpackage.json"])
async def test_nothing_else_of_the_folder_is_served(web, name):
    assert (await web.get(f"/viewer/{name}")).status_code == 404
