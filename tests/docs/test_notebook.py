"""The example notebook runs, and shows what it shows in the repository."""

import nbformat
from nbformat import NotebookNode

from tests.docs.notebook import NOTEBOOK, executed


def tables(notebook: NotebookNode) -> list[str]:
    """Return what cells print as text; pictures differ by fonts."""
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return [output["data"]["text/plain"] for output in outputs if "image/png" not in output.get("data", {})]


def test_the_notebook_runs_and_shows_what_it_shows_in_the_repository() -> None:
    now = executed()
    assert tables(now) == tables(nbformat.read(NOTEBOOK, as_version=4)), "run `make notebook`"
    assert any("image/png" in output.get("data", {}) for cell in now.cells for output in cell.get("outputs", []))
