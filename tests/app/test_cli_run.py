"""The subcommand ``run``: batches with a manifest, failures, kills and resuming."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from scipy import ndimage

from app.cli.main import main
from core.catalogue import create
from core.files import open_stack, save_stack
from core.stack import Stack
from core.work.recipe import Recipe, Step

ROOT = Path(__file__).parents[2]


def pixels(seed: int, frames: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).poisson(50, (frames, 24, 32)).astype(np.uint16)


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(pixels(seed)[0]))
    elif path.suffix == ".zarr":
        save_stack(path, Stack.of(pixels(seed), "TYX"))
    else:
        tifffile.imwrite(path, pixels(seed), imagej=True, metadata={"axes": "TYX"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a recipe, mixed files in two folders, and a broken one."""
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(steps=(Step.of(create("gaussian", {"sigma": 1.0})),))
    Path("recipe.json").write_text(recipe.to_json())
    for seed, name in enumerate(("a10.tif", "a9.tif", "a9.png", "c.zarr", "deep/a9.tif")):
        write(tmp_path / "data" / name, seed)
    (tmp_path / "data" / "b.tif").write_bytes(b"II*\0 and then nothing")
    (tmp_path / "data" / "notes.txt").write_text("not an image")
    return tmp_path


def rows(out: Path) -> list[dict[str, Any]]:
    """Rows of the manifest, after a check that its table tells the same."""
    found: list[dict[str, Any]] = json.loads((out / "manifest.json").read_text())["rows"]
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    columns = ("source", "result", "state", "error")
    assert [[row[c] for c in columns] for row in table] == [[row[c] for c in columns] for row in found]
    return found


def states(out: Path) -> dict[str, object]:
    return {Path(str(row["source"])).name: row["state"] for row in rows(out)}


def stamps(out: Path) -> dict[str, tuple[int, int]]:
    """Identity and time of writing of each result; both change when it is written again."""
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in out.glob("[!.]*_denoised*")}


def test_a_batch_of_mixed_files_with_a_broken_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("zarr")
    assert main(["run", "recipe.json", "data", "-o", "out", "--dtype", "float32"]) == 1
    captured = capsys.readouterr()
    found = rows(Path("out"))
    order = [str(Path(str(row["source"])).relative_to(folder / "data")) for row in found]
    assert order == ["a9.png", "a9.tif", "a10.tif", "b.tif", "c.zarr", "deep/a9.tif"]
    assert [row["state"] for row in found] == ["done", "done", "done", "failed", "done", "done"]
    assert str(folder / "data" / "b.tif") in str(found[3]["error"])
    assert "1 of 6 files could not be processed" in captured.err
    assert "Traceback" not in captured.err
    assert [json.loads(line)["state"] for line in captured.out.splitlines()].count("done") == 5
    for row in found:
        if row["state"] == "done":
            noisy = open_stack(Path(str(row["source"]))).read().astype(np.float64)
            sigmas = (0,) * (noisy.ndim - 2) + (1, 1)
            wanted = ndimage.gaussian_filter(noisy, sigmas, mode="reflect")
            result = open_stack(Path("out") / str(row["result"])).read()
            np.testing.assert_allclose(result, wanted, rtol=1e-5)
            assert row["seconds"] > 0
    assert {p.name for p in Path("out").iterdir() if not p.name.startswith(".")} == {
        "manifest.csv", "manifest.json", *(str(r["result"]) for r in found if r["state"] == "done"),
    }  # fmt: skip


def test_equal_names_get_different_results_and_nothing_is_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = ("data/a9.tif", "data/a9.png", "data/deep", "data/other/A9.TIF", "data/a10.tif")
    line = ["run", "recipe.json", *sources, "-o", "out"]
    write(folder / "data" / "other" / "A9.TIF", 7)
    Path("out").mkdir()
    Path("out/a10_denoised.tif").write_text("of someone else")
    assert main(line) == 1
    assert "exists. Add --overwrite" in capsys.readouterr().err
    assert [(row["result"], row["state"]) for row in rows(Path("out"))] == [
        ("data_a9_tif_denoised.tif", "done"),
        ("data_a9_png_denoised.tif", "done"),
        ("deep_a9_tif_denoised.tif", "done"),
        ("other_A9_TIF_denoised.tif", "done"),
        ("a10_denoised.tif", "failed"),
    ]
    before = stamps(Path("out"))
    assert len(before) == 5
    assert Path("out/a10_denoised.tif").read_text() == "of someone else"
    assert main(line) == 1  # the manifest is not replaced either
    assert "--resume" in capsys.readouterr().err
    assert stamps(Path("out")) == before
    assert main([*line, "--overwrite"]) == 0
    assert all(stamp != before[name] for name, stamp in stamps(Path("out")).items())


def test_names_that_folders_cannot_tell_apart_are_numbered(folder: Path) -> None:
    for seed, name in enumerate(("x/1/2/3/a.tif", "y/1/2/3/a.tif")):
        write(folder / name, seed)
    assert main(["run", "recipe.json", "x", "y", "-o", "out"]) == 0
    assert set(stamps(Path("out"))) == {"a_denoised.tif", "a_denoised-2.tif"}
    assert main(["run", "recipe.json", "y", "x", "-o", "out", "--resume"]) == 0
    assert set(stamps(Path("out"))) == {"a_denoised.tif", "a_denoised-2.tif"}


def test_resuming_does_nothing_twice_and_only_what_has_changed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["run", "recipe.json", "data/*.tif", "-o", "out", "--resume"]
    assert main(line) == 1
    before = stamps(Path("out"))
    write(folder / "data" / "b.tif", 5)  # copied again
    assert main(line) == 0
    after = stamps(Path("out"))
    assert after.pop("b_denoised.tif")
    assert after == before
    assert set(states(Path("out")).values()) == {"done"}
    Path("out/a9_denoised.tif").unlink()
    assert main(line) == 0
    assert stamps(Path("out"))["a10_denoised.tif"] == before["a10_denoised.tif"]
    assert Path("out/a9_denoised.tif").exists()
    write(folder / "data" / "a9.tif", 6)  # other pixels: the result is not theirs
    capsys.readouterr()
    assert main(line) == 1
    assert "its source or the recipe has changed" in capsys.readouterr().err
    assert main([*line, "--overwrite"]) == 0
    wanted = ndimage.gaussian_filter(pixels(6).astype(float), (0, 1, 1), mode="reflect")
    np.testing.assert_allclose(tifffile.imread("out/a9_denoised.tif"), wanted, atol=0.51)


def test_a_result_whose_row_was_not_written_any_more_is_kept(folder: Path) -> None:
    """As after a kill between both."""
    line = ["run", "recipe.json", "data/a9.tif", "-o", "out", "--resume"]
    assert main(line) == 0
    before = stamps(Path("out"))
    manifest = Path("out/manifest.json")
    whole = json.loads(manifest.read_text())
    whole["rows"][0].update(state="waiting", fingerprint={}, seconds=0)
    manifest.write_text(json.dumps(whole))
    assert main(line) == 0
    assert stamps(Path("out")) == before
    assert states(Path("out")) == {"a9.tif": "done"}


def test_the_name_of_a_filter_is_a_recipe(folder: Path) -> None:
    assert main(["run", "median", "data/a*.tif", "-o", "out"]) == 0
    wanted = ndimage.median_filter(pixels(1), (1, 3, 3), mode="reflect")
    np.testing.assert_array_equal(tifffile.imread("out/a9_denoised.tif"), wanted)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run recipe.json data -o data", "folder of the sources"),
        ("run recipe.json data -o recipe.json", "is a file"),
        ("run recipe.json data -o out --workers 0", "from 1"),
        ("run missing.json data -o out", "does not exist"),
        ("run recipe.json nothing/*.tif -o out", "1 of 1 files"),
        ("run recipe.json data/a9.tif -o damaged --resume", "manifest cannot be read"),
    ],
)
def test_mistakes_are_sentences(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    Path("damaged").mkdir()
    Path("damaged/manifest.json").write_text('{"schema": 1, "rows": [{"source": 3}]}')
    assert main(line.split()) == 1
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err
    assert not list(folder.glob("**/*_denoised*"))


# ------------------------------------------------------------------ a process of its own


@contextmanager
def started(cwd: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "app", *words], cwd=cwd, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def endless(path: Path) -> None:
    """Write a stack that takes minutes and no space."""
    tifffile.memmap(path, shape=(60000, 128, 128), dtype=np.uint8, imagej=True, metadata={"axes": "TYX"})


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None
        time.sleep(0.02)


def writing(out: Path) -> bool:
    """Whether the result of the endless stack is being written."""
    return bool(list(out.glob(".z_denoised*part")))


def test_a_killed_batch_is_resumed(folder: Path) -> None:
    endless(folder / "data" / "z.tif")
    out = folder / "out"
    line = ["run", "recipe.json", "data/*.tif", "-o", "out"]
    with started(folder, *line) as process:
        wait_until(lambda: writing(out) and list(states(out).values()).count("done") == 2, process)
        process.kill()
        process.wait(60)
    assert states(out) == {"a9.tif": "done", "a10.tif": "done", "b.tif": "failed", "z.tif": "waiting"}
    before = stamps(out)
    assert set(before) == {"a9_denoised.tif", "a10_denoised.tif"}
    write(folder / "data" / "z.tif", 8)
    write(folder / "data" / "b.tif", 9)
    assert main([*line, "--resume"]) == 0
    after = stamps(out)
    assert {name: after[name] for name in before} == before
    assert set(states(out).values()) == {"done"}
    assert not writing(out)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
def test_an_interrupted_batch_tells_the_truth_and_keeps_others_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endless(folder / "data" / "z.tif")
    line = ["run", "recipe.json", "data/a9.tif", "data/z.tif", "-o", "out", "--workers", "2"]
    out = folder / "out"
    with started(folder, *line) as process:
        wait_until(lambda: writing(out) and states(out)["a9.tif"] == "done", process)
        assert main([*line, "--resume"]) == 1
        assert "Another batch is writing to out" in capsys.readouterr().err
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "no incomplete file" in err
    assert states(out) == {"a9.tif": "done", "z.tif": "waiting"}
    assert set(stamps(out)) == {"a9_denoised.tif"}
    assert not list(out.glob(".*part"))
