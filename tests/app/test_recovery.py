"""Trainings that were interrupted, and go on from their checkpoint."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from app.cli.main import main
from core import recovery
from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.learning.methods import DecoNoising
from core.learning.trainer import Trainer
from core.recovery import Checkpoints
from core.stack import Stack
from tests.core.learning_data import scene, small, trained

ROOT = Path(__file__).parents[2]
TINY = (
    "--method n2v --width 4 --depth 2 --patch 16 --batch 2 --epoch 3 --warmup 0 --validation-patches 2 "
    "--schedule constant --seconds 0 --threads 1"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    generator = np.random.default_rng(1)
    for name in ("noisy", "other"):
        tifffile.imwrite(tmp_path / f"{name}.tif", generator.poisson(300, (6, 40, 48)).astype(np.uint16))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line):
    return main(shlex.split(line))


def names(folder):
    return {path.name for path in folder.iterdir()} - {"noisy.tif", "other.tif"}


def killed(folder, number):
    """Start a training without an end, and kill it after its first checkpoint; return what it said."""
    line = f"train noisy.tif -o net {TINY} --steps 10000000 --checkpoint-every 0.3 --quiet"
    with subprocess.Popen(
        [sys.executable, "-m", "app", *shlex.split(line)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 60
        while not (folder / "net.checkpoint.quietfield").exists() and process.poll() is None:
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail("no checkpoint was written within a minute")
            time.sleep(0.01)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode in (-number, 128 + number), said
    return said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_training_goes_on_where_it_stood(folder, capsys):
    killed(folder, signal.SIGKILL)
    (left,) = (name for name in names(folder) if not name.endswith(".part"))
    assert left == "net.checkpoint.quietfield"
    steps = load_model(folder / left).record.steps + 5
    assert run(f"train noisy.tif -o net --resume --steps {steps}") == 0
    assert names(folder) == {"net.quietfield"}  # without the checkpoint and any temporary file
    assert run(f"train noisy.tif -o whole {TINY} --steps {steps}") == 0
    resumed, whole = (load_model(folder / f"{name}.quietfield") for name in ("net", "whole"))
    assert resumed.record.steps == whole.record.steps == steps
    assert all(torch.equal(resumed.weights[name], whole.weights[name]) for name in whole.weights)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
def test_an_interrupted_training_says_how_to_go_on(folder, capsys):
    said = killed(folder, signal.SIGINT)
    assert "net.checkpoint.quietfield holds the training up to step" in said
    assert said.endswith("Interrupted; no incomplete file is left.\n")
    assert names(folder) == {"net.checkpoint.quietfield"}
    assert run(f"train noisy.tif -o net {TINY} --steps 3") == 1
    assert "Add --resume to continue it, or --overwrite to train anew." in capsys.readouterr().err
    assert names(folder) == {"net.checkpoint.quietfield"}
    assert run(f"train noisy.tif -o net {TINY} --steps 3 --overwrite") == 0
    assert names(folder) == {"net.quietfield"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("other.tif -o net --resume", "trained on noisy.tif, whose pixels differ"),
        ("noisy.tif -o net --resume --width 8", "another value of Width: 4, not 8"),
        ("noisy.tif -o net --method n2v2 --resume", "trained with Noise2Void, not N2V2"),
        ("noisy.tif -o new --resume", "There is no file new.checkpoint.quietfield"),
        ("noisy.tif -o bad --resume", "To train from the beginning, delete bad.checkpoint.quietfield"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(folder, capsys, line, words):
    assert run(f"train noisy.tif -o net {TINY} --steps 3") == 0
    (folder / "net.quietfield").rename(folder / "net.checkpoint.quietfield")
    whole = (folder / "net.checkpoint.quietfield").read_bytes()
    (folder / "bad.checkpoint.quietfield").write_bytes(whole[: len(whole) // 2])
    before = names(folder)
    assert run(f"train {line} --steps 6") == 1
    assert words in capsys.readouterr().err
    assert names(folder) == before
    assert (folder / "net.checkpoint.quietfield").read_bytes() == whole


def test_the_same_command_goes_on_too(folder, capsys):
    """Also where the method decided something from the stack, which the command leaves to it."""
    line = "train noisy.tif -o net --method structn2v --line auto " + TINY.partition("n2v ")[2]
    assert run(f"{line} --steps 3") == 0
    (folder / "net.quietfield").rename(folder / "net.checkpoint.quietfield")
    assert load_model(folder / "net.checkpoint.quietfield").method.line != "auto"
    assert run(f"{line} --steps 6 --resume") == 0
    assert load_model(folder / "net.quietfield").record.steps == 6


def test_checkpoints_do_not_change_the_training(tmp_path):
    with_them, without = (Trainer(scene()[0], small(), device="cpu") for _ in range(2))
    checkpoints = Checkpoints(tmp_path / "a.checkpoint.quietfield", every=1e-9)
    written = []
    for report in with_them.run(every=0.0):
        checkpoints.offer(with_them, report.step)
        written.append(checkpoints.step)
    list(without.run())
    assert written[-1] == 12
    assert len(set(written)) > 3
    one, other = with_them.model().weights, without.model().weights
    assert all(torch.equal(one[name], other[name]) for name in one)
    checkpoints.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_training(tmp_path):
    said = []
    checkpoints = Checkpoints(tmp_path / "missing" / "a.quietfield", every=1e-9, say=said.append)
    trainer = Trainer(scene()[0], small(), device="cpu")
    for report in trainer.run(every=0.0):
        checkpoints.offer(trainer, report.step)
    assert trainer.finished
    assert checkpoints.step == 0
    (words,) = said
    assert words.endswith("The training continues without checkpoints.")


def test_a_network_without_the_state_of_its_training_is_no_checkpoint(tmp_path):
    model, _ = trained(scene()[0], small())
    save_model(tmp_path / "a.checkpoint.quietfield", model, resumable=False)
    with pytest.raises(QuietfieldError, match="does not contain what is needed"):
        recovery.load_checkpoint(tmp_path / "a.checkpoint.quietfield")


def test_the_same_words_as_before_go_on_where_the_program_made_something_of_them(tmp_path):
    words = "optics:na=0.8,n=1.0,emission=520,pixel=0.2"
    method = small(DecoNoising, psf=words, steps=2)
    pixels = np.random.default_rng(0).poisson(50, (3, 48, 48)).astype(np.float32)
    model = trained(Stack.of(pixels, "TYX"), method)[0]
    path = tmp_path / "net.checkpoint.quietfield"
    save_model(path, model)
    model = load_model(path)
    assert model.method.psf != words  # the pixels of the PSF
    assert recovery.resumed_method(path, model, {"psf": words, "steps": 9}).steps == 9
    with pytest.raises(QuietfieldError, match="another value of PSF"):
        recovery.resumed_method(path, model, {"psf": words.replace("520", "610")})
