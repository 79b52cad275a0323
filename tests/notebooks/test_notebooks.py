"""The notebooks run from the first cell to the last, and what they tell the reader to expect is what they show."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_valid_and_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.fixture(scope="module")
def start_here(tmp_path_factory):
    """The first notebook, executed by this environment's own Python (one to two minutes of CPU time)."""
    notebook = nbformat.read(FOLDER / "00_start_here.ipynb", as_version=4)
    work = tmp_path_factory.mktemp("start_here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PREFER_ENV_PATH", "1")  # not a kernel of the same name in somebody's home
        patch.setenv("TMPDIR", str(work))  # what it exports goes away with the rest
        where = {"metadata": {"path": str(work)}}
        NotebookClient(notebook, timeout=600, startup_timeout=300, kernel_name="python3", resources=where).execute()
    return notebook


def printed(notebook) -> str:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def percent(notebook, label: str) -> float:
    """The number that stands after `label` in what the notebook printed."""
    (found,) = re.findall(rf"^{re.escape(label)}: ([0-9.]+) %$", printed(notebook), re.MULTILINE)
    return float(found)


def pictures(notebook, word: str) -> list[str]:
    """The images of the code cells that have `word` in them."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and word in cell.source]
    shown = [output.get("data", {}) for cell in cells for output in cell.outputs]
    return [data["image/png"] for data in shown if "image/png" in data]


def test_start_here_reads_dates_of_unseen_days(start_here):
    assert percent(start_here, "exact match on 1,000 dates of unseen days") > 95


def test_start_here_shows_what_attention_is_good_for(start_here):
    with_attention = percent(start_here, "exact match on 1,000 dates of unseen days")
    assert percent(start_here, "without attention") < with_attention - 20


def test_start_here_learns_where_to_look(start_here):
    alike = percent(start_here, "weight inside the year if it looked everywhere alike")
    assert percent(start_here, "weight inside the year after training") > 2 * alike
    drawn = pictures(start_here, "ka.plots.heatmap")
    assert len(drawn) == len(set(drawn)) == 3, "the sketch, before and after: three different pictures"
    assert len(pictures(start_here, "curves({")) == 2


def test_start_here_computes_attention_as_the_equation_says(start_here):
    differences = re.findall(r"^largest difference of .*: (\S+)$", printed(start_here), re.MULTILINE)
    assert len(differences) == 2
    assert all(float(difference) < 1e-5 for difference in differences)


def test_start_here_exports_what_it_trained(start_here):
    assert ", 0 differences;" in printed(start_here)
    rows = re.findall(r"^(\S*) +[0-9.]+% sure +(.*)$", printed(start_here), re.MULTILINE)
    assert len(rows) == 6
    assert [answer for answer, source in rows if source].count("1973-06-05") >= 4
    assert ("", "") in rows, "an empty question has an empty answer"
