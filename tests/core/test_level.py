"""Stacks with a large offset give the results of the same stack without it, and get it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from app.cli.main import main
from core.catalogue import create
from core.errors import QuietfieldError
from core.files import open_stack, save_stack
from core.findings import kinds
from core.learning.trainer import Trainer
from core.level import Level, level_of
from core.methods.apply import apply, evaluate
from core.stack import Stack
from core.work.recipe import Recipe, Step
from core.work.task import Source, Target, Task, run

OFFSETS = [("int32", -(2**30)), ("uint32", 4 * 10**9), ("float64", 1e12), ("int32", 10**7), ("int64", 2**42)]


def counts(frames: int = 3, side: int = 64) -> np.ndarray[Any, np.dtype[np.int64]]:
    wave = 50 * np.sin(np.arange(side) / 5)[None, None, :] * np.ones((frames, side, 1))
    return np.random.default_rng(1).poisson(100 + wave)


def raised(dtype: str, offset: float, pixels: Any = None) -> Stack:
    pixels = counts() if pixels is None else pixels
    return Stack.of(
        np.asarray(pixels + (int(offset) if dtype != "float64" else offset), dtype), "TYX", name="s"
    )


@pytest.mark.parametrize(("dtype", "offset"), OFFSETS)
@pytest.mark.parametrize("name", ["gaussian", "median", "box-3d", "instant"])
def test_results_are_those_without_the_offset(dtype: str, offset: float, name: str) -> None:
    plain = Stack.of(counts().astype(np.float32), "TYX")
    stack, method = raised(dtype, offset), create(name, {})
    result, expected = apply(stack, method)[0], apply(plain, method)[0].read()
    assert result.dtype == np.float64
    np.testing.assert_allclose(result.read() - offset, expected, atol=1e-3)
    region = stack.region(T=1, Y=slice(8, 40))
    np.testing.assert_array_equal(evaluate(stack, method, region)[0], result.read(region))


@pytest.mark.parametrize(("dtype", "offset"), OFFSETS[:3])
@pytest.mark.parametrize("name", ["n2v", "quietfield", "pn2v", "divnoising"])
def test_networks_are_trained_and_used_on_any_level(dtype: str, offset: float, name: str) -> None:
    small = {"steps": 4, "seconds": 0.0, "patch": 64} | ({"width": 8} if name == "n2v" else {})
    small |= {"depth": 2, "width": 8, "samples": 4} if name == "divnoising" else {}
    small |= {"samples": 20} if name == "pn2v" else {}
    trained = []
    for stack in (Stack.of(counts(2).astype(np.float32), "TYX"), raised(dtype, offset, counts(2))):
        trainer = Trainer(stack, create(name, small), device="cpu", threads=1)  # type: ignore[arg-type]
        for _ in trainer.run():
            pass
        trained.append((trainer.model(), stack))
    (plain, first), (model, second) = trained
    expected = apply(first, plain.prediction("cpu"))[0].read()
    np.testing.assert_allclose(apply(second, model.prediction("cpu"))[0].read() - offset, expected, atol=0.05)
    if name == "n2v":  # what the network knows of the stack is in counts
        norm = model.normalisation
        assert norm.offset + norm.mean[0] == pytest.approx(counts(2).mean() + offset)
        operation = model.prediction("cpu").bind(Level.of(second).stack, _context())
        assert operation.findings(Level.of(second).stack, second.region(T=0)) == ()
        (found,) = operation.findings(first, first.region(T=0))
        assert found.kind == kinds.UNLIKE_TRAINING


def _context() -> Any:
    from core.progress import Context

    return Context()


def test_predicted_errors_have_no_level() -> None:
    method = create("instant", {"uncertainty": True})
    image, error = apply(raised("int32", -(2**30)), method)
    assert image.read().mean() == pytest.approx(counts().mean() - 2**30, abs=1)
    assert 0 < error.read().mean() < 20


@pytest.mark.parametrize(
    "array",
    [
        counts().astype(np.uint16), counts().astype(np.float64), (counts() + 1e9).astype(np.float32),
        np.full((3, 64, 64), -(2**30), np.int32), counts().astype(np.int32) * 10**6,
        np.full((3, 64, 64), np.nan), (counts() + 1000).astype(np.int64),
    ],
)  # fmt: skip
def test_nothing_is_subtracted_where_it_would_not_help(array: Any) -> None:
    stack = Stack.of(array, "TYX")
    assert Level.of(stack).value == 0
    assert Level.of(stack).stack is stack
    assert level_of(stack) == 0


def test_a_blank_frame_does_not_hide_the_level() -> None:
    pixels = counts(5).astype(np.int64) + 10**9
    pixels[2] = 0
    stack = Stack.of(pixels.astype(np.int32), "TYX")
    result = apply(stack, create("gaussian", {}))[0].read()
    assert abs(result[0].mean() - pixels[0].mean()) < 1
    np.testing.assert_array_equal(result[2], 0)


def test_a_constant_stack_is_refused_with_its_value() -> None:
    stack = Stack.of(np.full((2, 64, 64), -(2**30), np.int32), "TYX", name="s")
    with pytest.raises(QuietfieldError, match=r"Every pixel of s is -1.07374e\+09"):
        list(Trainer(stack, create("n2v", {"steps": 2}), device="cpu").run())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["o.tif", "o.ome.tif"])
def test_files_keep_the_noise(tmp_path: Path, name: str) -> None:
    source = save_stack(tmp_path / "s.ome.tif", raised("int32", -(2**30))).path
    steps = (Step.of(create("median", {})), Step.of(create("gaussian", {"sigma": 0.5})))
    task = Task(recipe=Recipe(steps=steps), source=Source(path=source), target=Target(path=tmp_path / name))
    saved = run(task).saved
    assert saved is not None
    assert (saved.dtype, saved.format) == ("int32", "ome")
    assert [f.kind for f in saved.findings] == ([kinds.TYPE_REPLACED] if name == "o.tif" else [])
    plain = run(Task(recipe=Recipe(steps=steps), source=Stack.of(counts().astype(np.float32), "TYX"))).made[
        -1
    ]
    written = open_stack(tmp_path / name)
    assert written.axes == "TYX"
    np.testing.assert_allclose(written.read().astype(np.float64) + 2**30, plain.stack.read(), atol=0.51)


def test_the_command_line_denoises_and_trains(tmp_path: Path) -> None:
    """The offset was told as "every pixel is -1.07e+09"."""
    source, network = tmp_path / "s.tif", tmp_path / "n.quietfield"
    tifffile.imwrite(
        source, raised("int32", -(2**30)).read(), photometric="minisblack", metadata={"axes": "TYX"}
    )
    options = ["--steps", "3", "--width", "8", "--seconds", "0"]
    assert main(["train", str(source), "-o", str(network), "--method", "n2v", "-q", *options]) == 0
    assert main(["apply", str(network), str(source), "-o", str(tmp_path / "o.tif"), "-q"]) == 0
    with tifffile.TiffFile(tmp_path / "o.tif") as file:
        found = file.asarray()
    assert found.dtype == np.int32
    assert abs(found.mean() - (counts().mean() - 2**30)) < 60


def test_a_fill_does_not_hide_the_level() -> None:
    pixels = np.asarray(counts() + 4 * 10**9, "uint32")
    pixels[:, :, :24] = 0
    assert Level.of(Stack.of(pixels, "TYX")).value == pytest.approx(4 * 10**9, abs=200)
