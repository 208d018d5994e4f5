"""A method added from outside works on the command line, in the window and in recipes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from app.cli.main import main
from core import catalogue
from core.errors import QuietfieldError
from core.methods.base import Block, Operation, named
from core.params import param
from core.progress import Context
from tests.driver import Driver


@named("dim", label="Dim")
@dataclass(frozen=True, slots=True, kw_only=True)
class Dim(Operation):
    """Multiply every pixel by a factor."""

    factor: float = param(0.5, "Factor", ge=0.0, le=1.0, step=0.1, help="What pixels are multiplied by.")

    def halo(self, axes: str) -> Mapping[str, int]:
        return {}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        return (block.pixels * self.factor,)


@pytest.fixture(autouse=True)
def _dim() -> Iterator[None]:
    catalogue.add(Dim)
    yield
    catalogue.remove("dim")


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(3).poisson(50, (3, 32, 40)).astype(np.float32)
    tifffile.imwrite(tmp_path / "noisy.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    return tmp_path / "noisy.tif"


def test_it_is_on_the_list_until_it_is_removed() -> None:
    assert catalogue.methods("filter")[-1] is catalogue.find("dim") is Dim
    assert catalogue.create("dim", {"factor": 0.25}) == Dim(factor=0.25)
    catalogue.remove("dim")
    with pytest.raises(QuietfieldError, match="no method called 'dim'"):
        catalogue.find("dim")
    catalogue.add(Dim)
    with pytest.raises(ValueError, match="two methods are called dim"):
        catalogue.add(Dim)


def test_it_runs_on_the_command_line_and_from_its_recipe(
    noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["methods", "--json"]) == 0
    assert "dim" in {method["name"] for method in json.loads(capsys.readouterr().out)}
    dimmed = tmp_path / "dimmed.tif"
    assert main(["denoise", str(noisy), "-o", str(dimmed), "--method", "dim", "--factor", "0.25"]) == 0
    np.testing.assert_array_equal(tifffile.imread(dimmed), tifffile.imread(noisy) / 4)
    assert main(["apply", str(dimmed), str(noisy), "-o", str(tmp_path / "again.tif")]) == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "again.tif"), tifffile.imread(dimmed))


def test_it_has_a_form_and_makes_a_result_in_the_window(driver: Driver, noisy: Path, qtbot: QtBot) -> None:
    driver.drop(noisy)
    driver.window.filter_panel.choose("dim")
    driver.set("dim-factor", 0.2)
    driver.click("filter-apply")
    session = driver.window.session
    driver.wait(lambda: len(session.snapshot.results) == 2)
    made = session.snapshot.results[1]
    assert (made.label, made.details) == ("Dim", "factor 0.2")
    np.testing.assert_allclose(made.stack.read(), tifffile.imread(noisy) * 0.2, rtol=1e-6)
