"""Executors: every task gets its outcome, wherever it ran."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from core import catalogue
from core.errors import QuietfieldError
from core.files import open_stack
from core.progress import Cancelled, Context
from core.work import executors
from core.work.executors import Executor, Failed, Here, Processes
from core.work.recipe import Recipe, Step
from core.work.task import Done, Source, Target, Task

MEDIAN = Recipe(steps=(Step.of(catalogue.create("median", {"size": 3})),))


def tasks(folder: Path, count: int = 3, side: int = 40) -> list[Task]:
    made = []
    for number in range(count):
        path = folder / f"{number}.tif"
        pixels = np.random.default_rng(number).poisson(50, (2, side, side)).astype(np.uint16)
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
        target = Target(path=folder / f"{number}_out.tif")
        made.append(Task(recipe=MEDIAN, source=Source(path=path), target=target))
    return made


@pytest.mark.parametrize("executor", [Here(), Processes(workers=2)], ids=["here", "processes"])
def test_one_bad_stack_does_not_stop_the_others(executor: Executor, tmp_path: Path) -> None:
    wanted = tasks(tmp_path)
    (tmp_path / "1.tif").write_bytes(b"this is no image")
    seen: list[float] = []
    outcomes = list(executor.run(wanted, Context(lambda fraction, _: seen.append(fraction))))
    done = [o for o in outcomes if isinstance(o, Done)]
    failed = [o for o in outcomes if isinstance(o, Failed)]
    assert [o.task.source for o in failed] == [wanted[1].source]
    assert "not an image of a known format" in str(failed[0].error)
    assert {o.saved.path.name for o in done if o.saved} == {"0_out.tif", "2_out.tif"}
    assert not (tmp_path / "1_out.tif").exists()
    assert all(0 <= fraction <= 1 for fraction in seen)


def test_processes_give_the_pixels_that_this_one_gives(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, executor in ((here, Here()), (there, Processes(workers=2))):
        folder.mkdir()
        assert len(list(executor.run(tasks(folder)))) == 3
    for number in range(3):
        one, other = (open_stack(folder / f"{number}_out.tif").read() for folder in (here, there))
        np.testing.assert_array_equal(one, other)


def test_cancelling_stops_the_processes_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    wanted = tasks(tmp_path, count=12, side=700)
    context = Context()
    outcomes = Processes(workers=2).run(wanted, context)
    assert isinstance(next(outcomes), Done)
    context.cancel()
    with pytest.raises(Cancelled):
        list(outcomes)
    assert len(list(tmp_path.glob("*_out.tif"))) < len(wanted)
    assert not list(tmp_path.glob(".*part"))
    for path in tmp_path.glob("*_out.tif"):
        assert open_stack(path).shape == (2, 700, 700)


def test_executors_have_a_list_that_can_be_added_to() -> None:
    class Elsewhere(Here):
        name = "elsewhere"
        label = "Elsewhere"

    executors.add(Elsewhere)
    try:
        assert executors.find("elsewhere") is Elsewhere
        assert [cls.name for cls in executors.executors()] == ["here", "processes", "elsewhere"]
        with pytest.raises(ValueError, match="two executors"):
            executors.add(Elsewhere)
    finally:
        executors.remove("elsewhere")
    with pytest.raises(QuietfieldError, match="Did you mean"):
        executors.find("proceses")
    with pytest.raises(QuietfieldError, match="Workers"):
        Processes(workers=0)
