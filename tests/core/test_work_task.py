"""Tasks: the same pixels wherever they run, in memory, into a file, or in another process."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core import catalogue
from core.errors import QuietfieldError
from core.files import open_stack, read_recipe
from core.methods.apply import apply
from core.progress import Cancelled, Context
from core.stack import Stack
from core.work.recipe import Recipe, Step
from core.work.task import Source, Target, Task, run
from tests.core.learning_data import scene, small, trained

PIXELS = np.random.default_rng(0).poisson(90, (3, 40, 48)).astype(np.uint16)
STACK = Stack.of(PIXELS, "TYX", name="cells.tif", spacing={"X": 0.1, "Y": 0.1})


def recipe(*methods: tuple[str, dict[str, Any]]) -> Recipe:
    return Recipe(steps=tuple(Step.of(catalogue.create(name, given)) for name, given in methods))


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    path = tmp_path / "noisy.tif"
    tifffile.imwrite(path, PIXELS, imagej=True, metadata={"axes": "TYX"})
    return path


TWO = recipe(("median", {"size": 3}), ("gaussian", {"sigma": 1.5}))


def test_steps_are_done_one_to_the_result_of_the_other() -> None:
    done = run(Task(recipe=TWO, source=STACK))
    stack = STACK
    for made, step in zip(done.made, TWO.steps, strict=True):
        method = step.method_for()
        (stack,) = apply(stack, method)
        assert made.step == step
        np.testing.assert_array_equal(made.stack.read(), stack.read())
    assert done.saved is None
    assert done.seconds >= sum(made.seconds for made in done.made) > 0


def test_a_file_holds_the_same_pixels_and_the_recipe(noisy: Path, tmp_path: Path) -> None:
    target = Target(path=tmp_path / "out.tif", dtype="float32")
    done = run(Task(recipe=TWO, source=Source(path=noisy), target=target))
    assert done.saved is not None
    assert done.made == ()
    kept = run(Task(recipe=TWO, source=STACK)).made[-1].stack
    np.testing.assert_array_equal(open_stack(done.saved.path).read(), kept.read())
    assert Recipe.from_json(read_recipe(done.saved.path)).steps == TWO.steps


@pytest.mark.parametrize("method", ["gaussian", "median-3d", "instant"])
def test_a_task_gives_the_same_pixels_in_another_process(method: str, noisy: Path) -> None:
    task = Task(recipe=recipe((method, {})), source=Source(path=noisy))
    assert pickle.loads(pickle.dumps(task)).recipe == task.recipe
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(run, task).result()
    here = run(task)
    np.testing.assert_array_equal(there.made[0].stack.read(), here.made[0].stack.read())
    assert there.findings == here.findings


def test_all_outputs_of_the_last_step_can_be_kept() -> None:
    task = Task(recipe=recipe(("instant", {"uncertainty": True})), source=STACK)
    assert [made.step.output for made in run(task).made] == ["result"]
    every = run(Task(recipe=task.recipe, source=STACK, every_output=True)).made
    assert [made.step.output for made in every] == ["result", "expected error"]


def test_networks_are_found_in_the_folders_of_a_task(tmp_path: Path) -> None:
    from core.checkpoint import load_model, save_model

    stack, _ = scene(2, 48)
    model, _ = trained(stack, small(steps=3))
    file = save_model(tmp_path / "mine.quietfield", model)
    steps = (
        Step.of(
            model.method,
            model=file,
        ),
    )
    task = Task(recipe=Recipe(steps=steps), source=stack, networks=(tmp_path,), device="cpu")
    alone = load_model(tmp_path / "mine.quietfield").prediction("cpu")
    (wanted,) = apply(stack, alone)
    np.testing.assert_array_equal(run(task).made[0].stack.read(), wanted.read())
    with pytest.raises(QuietfieldError, match="any folder"):
        run(Task(recipe=task.recipe, source=stack))


def test_a_cancelled_or_failed_task_leaves_no_file(noisy: Path, tmp_path: Path) -> None:
    target = Target(path=tmp_path / "out.tif")
    stopping = Context()

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.3:
            stopping.cancel()

    context = Context(stop)
    stopping = context
    with pytest.raises(Cancelled):
        run(Task(recipe=TWO, source=Source(path=noisy), target=target), context)
    broken = Recipe(steps=(Step(method="box", version=1, params={"size": 3}, output="deconvolved"),))
    with pytest.raises(QuietfieldError, match="no output"):
        run(Task(recipe=broken, source=Source(path=noisy), target=target))
    with pytest.raises(QuietfieldError, match="no steps"):
        run(Task(recipe=Recipe(steps=()), source=STACK))
    assert [path.name for path in tmp_path.iterdir()] == ["noisy.tif"]


def test_findings_are_told_before_the_work_and_come_with_the_result() -> None:
    told: list[str] = []
    calm = Stack.of(np.tile(np.linspace(0, 4000, 64, dtype=np.float32), (64, 1)), "YX")
    done = run(
        Task(recipe=recipe(("instant", {})), source=calm), notify=lambda _, finding: told.append(finding.code)
    )
    assert told == [finding.code for finding in done.findings] != []
    assert json.dumps([finding.to_dict() for finding in done.findings])
