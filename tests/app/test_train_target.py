"""Learning from a clean stack: on the command line, and in the training panel."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.cli import main
from core.learning.checkpoint import load_model

TINY = (
    "--width 4 --depth 2 --patch 16 --batch 2 --steps 3 --epoch 3 --warmup 0 --validation-patches 2 "
    "--seconds 0 --threads 1"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with noisy and clean stacks as files, and as folders of planes."""
    generator = np.random.default_rng(1)
    y, x = np.mgrid[:40, :48]
    clean = (300 + 200 * np.sin(x / 5) * np.cos(y / 7 + np.arange(4)[:, None, None])).astype(np.float32)
    noisy = generator.poisson(clean).astype(np.uint16)
    for name, pixels in (("noisy", noisy), ("clean", clean)):
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels, imagej=True, metadata={"axes": "TYX"})
        (tmp_path / name).mkdir()
        for number, plane in enumerate(pixels):
            tifffile.imwrite(tmp_path / name / f"t{number}.tif", plane)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> int:
    return main(shlex.split(line))


def test_care_trains_on_files_and_on_folders_alike(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"train noisy.tif --target clean.tif -o files --method care {TINY}") == 0
    assert json.loads(capsys.readouterr().out)["method"] == "care"
    assert run(f"train noisy --target clean -o folders --method care {TINY} --input-axes TYX") == 0
    models = [load_model(folder / f"{name}.quietfield") for name in ("files", "folders")]
    assert models[0].normalisation == models[1].normalisation
    assert all((t == models[1].weights[n]).all() for n, t in models[0].weights.items())
    assert run("apply files.quietfield noisy.tif -o out.tif --dtype float32") == 0
    assert np.isfinite(tifffile.imread("out.tif")).all()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train noisy.tif -o n --method care", "--target"),
        ("train noisy.tif --target clean.tif -o n --method n2v", "noisy stack alone"),
        ("train noisy.tif --target missing.tif -o n --method care", "missing.tif does not exist"),
        ("train noisy.tif --target clean/t0.tif -o n --method care --validation 0", ""),
        ("train noisy/t0.tif --target clean.tif -o n --method care", "must show the same pixels"),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    assert run(f"{line} {TINY}") == (1 if words else 0)
    assert words in capsys.readouterr().err
