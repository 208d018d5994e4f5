"""What is added from outside works everywhere, without a line changed elsewhere.

A method, a metric and an executor are defined here, added to their lists, and used in the registry, on the
command line and in a form. Readers are in tests/core/test_files_readers.py, a learned method with an
objective of its own in tests/core/test_learning_parts.py.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from app.cli.main import main
from core import catalogue
from core.files import open_stack, read_recipe
from core.methods.base import Block, BlockMethod, named
from core.params import param
from core.progress import Context
from core.quality import metrics
from core.quality.metric import Metric
from core.work import executors
from core.work.executors import Here
from core.work.recipe import Recipe

NOISY = np.random.default_rng(4).poisson(60, (3, 24, 32)).astype(np.uint16)


@named("scaled", label="Scaled")
@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled(BlockMethod):
    """Multiply every pixel."""

    factor: float = param(2.0, "Factor", ge=0.0, le=10.0, help="What every pixel is multiplied by.")

    def halo(self, axes: str) -> Mapping[str, int]:
        return {}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        return (self.factor * block.pixels,)


LARGEST = Metric(
    name="largest_error", label="Largest error", unit="counts", better="lower",
    definition="Largest absolute difference to the reference.",
    compute=lambda planes: float(np.abs(planes.image - planes.reference).max()),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Backwards(Here):
    """Run tasks in this process, the last one first."""

    name: ClassVar[str] = "backwards"
    label: ClassVar[str] = "Backwards"

    def run(self, tasks, context=None, *, notify=None):  # type: ignore[no-untyped-def]
        yield from Here().run(tasks[::-1], context, notify=notify)


@pytest.fixture
def added() -> Iterator[None]:
    catalogue.add(Scaled)
    metrics.add(LARGEST)
    executors.add(Backwards)
    yield
    catalogue.remove("scaled")
    metrics.remove("largest_error")
    executors.remove("backwards")


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    path = tmp_path / "noisy.tif"
    tifffile.imwrite(path, NOISY, imagej=True, metadata={"axes": "TYX"})
    return path


def test_a_method_is_in_the_list_in_recipes_and_on_the_command_line(added, noisy, tmp_path, capsys) -> None:
    assert catalogue.find("scaled") is Scaled
    assert Scaled in catalogue.methods("filter")
    assert main(["methods", "scaled"]) == 0
    assert "--factor" in capsys.readouterr().out
    out = tmp_path / "out.tif"
    line = f"denoise {noisy} -o {out} --method scaled --factor 3 --dtype float32 -q"
    assert main(shlex.split(line)) == 0
    np.testing.assert_array_equal(open_stack(out).read(), 3.0 * NOISY)
    (step,) = Recipe.from_json(read_recipe(out)).steps
    assert dict(step.params) == {"factor": 3.0}
    again = tmp_path / "again.tif"
    assert main(shlex.split(f"apply {out} {noisy} -o {again} --dtype float32 -q")) == 0
    np.testing.assert_array_equal(open_stack(again).read(), 3.0 * NOISY)


def test_a_method_has_a_form_and_a_preview_in_the_window(added, driver, noisy) -> None:
    driver.drop(noisy)
    driver.method("scaled")
    driver.set("scaled-factor", "4")
    driver.click("filter-apply")
    driver.wait()
    result = driver.window.session.snapshot.results[-1]
    assert result.label == "Scaled"
    np.testing.assert_array_equal(result.stack.read(), 4.0 * NOISY)


def test_a_metric_is_measured_on_the_command_line(added, noisy, tmp_path, capsys) -> None:
    clean = tmp_path / "clean.tif"
    truth = NOISY[::-1].copy()
    tifffile.imwrite(clean, truth, imagej=True, metadata={"axes": "TYX"})
    assert main(["measure", str(noisy), "--reference", str(clean), "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    largest = np.abs(NOISY.astype(float) - truth).max(axis=(1, 2))
    assert found["mean"]["largest_error"] == pytest.approx(np.mean(largest))
    assert main(["measure", str(noisy), "--reference", str(clean), "-q"]) == 0
    assert "Largest error [counts]" in capsys.readouterr().out


def test_an_executor_runs_the_stacks_of_the_command_line(added, noisy, tmp_path, capsys) -> None:
    other = tmp_path / "other.tif"
    other.write_bytes(noisy.read_bytes())
    line = f"denoise {noisy} {other} -o {tmp_path / 'out'} --method box --executor backwards -q"
    assert main(shlex.split(line)) == 0
    written = [Path(json.loads(text)["path"]).name for text in capsys.readouterr().out.splitlines()]
    assert written == ["other_denoised.tif", "noisy_denoised.tif"]
    assert main(["denoise", "--help"]) == 0
    assert "backwards" in capsys.readouterr().out
