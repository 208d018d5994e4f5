"""The subcommand ``noise-model``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.cli.main import main
from core.noise.model_text import load_models
from core.noise.models import PoissonGaussian

CAMERA = PoissonGaussian.camera(gain=4, offset=100, read_noise=6)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Repeated frames of a scene, one noisy frame, and a denoised one."""
    y, x = np.mgrid[:96, :96]
    light = 100 + 4 * (30 + 25 * np.sin(x / 9) * np.cos(y / 7))
    frames = CAMERA.sample(np.broadcast_to(light, (12, 96, 96)), np.random.default_rng(0)).round()
    stack = frames.astype(np.uint16)
    tifffile.imwrite(tmp_path / "repeats.tif", stack, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(tmp_path / "one.tif", stack[0], imagej=True)
    tifffile.imwrite(tmp_path / "clean.tif", light.astype(np.float32), imagej=True)
    flat = np.full((6, 96, 96), 7, np.uint16)
    tifffile.imwrite(tmp_path / "flat.tif", flat, imagej=True, metadata={"axes": "TYX"})
    return tmp_path


@pytest.mark.parametrize("kind", ["mixture", "histogram", "poisson-gaussian"])
def test_repeats_give_a_model_and_numbers_to_plot(kind, files, capsys):
    out = files / "camera.json"
    words = ["noise-model", str(files / "repeats.tif"), "-o", str(out), "--kind", kind, "--json", "-q"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["kind"], told["file"]) == ("repeats", kind, str(out))
    (model,) = load_models(out).channels
    for level in told["channels"][0]["levels"]:
        assert level["model"] == pytest.approx(float(model.variance(level["signal"])) ** 0.5, rel=1e-3)
        assert level["model"] == pytest.approx(level["measured"], rel=0.1)
    assert float(model.variance(220.0)) == pytest.approx(float(CAMERA.variance(220.0)), rel=0.06)
    assert main(words) == 1  # the file exists
    assert main([*words, "--overwrite"]) == 0


def test_one_frame_with_a_denoised_one(files, capsys):
    words = ["noise-model", str(files / "one.tif"), "-o", str(files / "m.json"), "-q"]
    assert main([*words, "--denoised", str(files / "clean.tif")]) == 0
    assert "measured noise" in capsys.readouterr().out
    (model,) = load_models(files / "m.json").channels
    assert float(model.variance(220.0)) == pytest.approx(float(CAMERA.variance(220.0)), rel=0.1)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["flat.tif", "--from", "repeats"], 1, "frames are equal"),
        (["one.tif", "--from", "repeats"], 1, "no repeated frames"),
        (["one.tif", "--denoised", "repeats.tif"], 1, "12 x 96 x 96"),
        (["one.tif", "--denoised", "clean.tif", "--from", "repeats"], 2, "does not go with"),
        (["missing.tif"], 1, "missing.tif"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(words, code, told, files, capsys, monkeypatch):
    monkeypatch.chdir(files)
    assert main(["noise-model", *words, "-o", "out.json", "-q"]) == code
    assert told in capsys.readouterr().err
    assert not (files / "out.json").exists()
