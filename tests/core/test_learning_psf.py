"""Networks that end in a point spread function."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from core import params
from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.findings import psf_kinds
from core.learning.methods import DecoNoising, Noise2VoidConvolved
from core.learning.parts.setup import Setup
from core.learning.trainer import Trainer
from core.methods.apply import apply, evaluate
from core.progress import Context
from core.psf import Psf, gaussian
from core.psf.files import save_psf
from core.stack import Stack
from core.work.recipe import Step
from tests.core.learning_data import kinds_in, scene, small, trained

SETUP = Setup(
    stack=scene()[0], target=None, device=torch.device("cpu"), side=32, memory=10**9, batch=1,
    augment="eight", validation=0.0, validation_patches=1, seed=0, by_channel=True, along="",
)  # fmt: skip
LOPSIDED = np.random.default_rng(1).random((5, 7)).astype(np.float32)


@pytest.mark.parametrize("cls", [DecoNoising, Noise2VoidConvolved])
def test_a_gaussian_psf_is_that_of_sigma(cls: type) -> None:
    stack, _ = scene(frames=2)
    plain, _ = trained(stack, small(cls, sigma=1.3, steps=4))
    named, _ = trained(stack, small(cls, psf="gaussian:1.3", steps=4))
    for one, other in zip(*(apply(stack, m.prediction("cpu")) for m in (plain, named)), strict=True):
        np.testing.assert_array_equal(one.read(), other.read())


def test_the_pixels_of_the_psf_are_part_of_the_network(tmp_path: Path) -> None:
    stack, _ = scene(frames=2)
    file = save_psf(tmp_path / "psf.json", Psf(kernel=LOPSIDED, source="beads"))
    model, _ = trained(stack, small(DecoNoising, psf=str(file), steps=4))
    save_model(tmp_path / "a.quietfield", model)
    file.unlink()
    again = load_model(tmp_path / "a.quietfield")
    assert again.method.blur == Psf(kernel=LOPSIDED)
    denoised, sharp = (one.read().astype(np.float64) for one in apply(stack, again.prediction("cpu")))
    kernel = again.method.blur.kernel.astype(np.float64)
    expected = np.stack([ndimage.convolve(plane, kernel, mode="mirror") for plane in sharp])
    np.testing.assert_allclose(denoised, expected, rtol=1e-5)
    step = Step.of(again.method)
    assert "PSF from beads" in step.details
    assert "PSF from beads" in step.parameters
    assert len(step.parameters) < 2000
    assert Step.from_dict(json.loads(json.dumps(step.to_dict()))) == step


def test_networks_saved_before_psfs_were_values_still_run(tmp_path: Path) -> None:
    values = {k: v for k, v in params.values(DecoNoising(sigma=1.7)).items() if k != "psf"}
    assert params.build(DecoNoising, values).blur == gaussian(1.7)


def test_training_goes_on_with_the_same_psf(tmp_path: Path) -> None:
    stack, _ = scene(frames=2)
    text = "optics:na=1.2,n=1.33,emission=520,pixel=0.1"
    model, _ = trained(stack, small(DecoNoising, psf=text, steps=4))
    asked = small(DecoNoising, psf=text, steps=8)
    assert asked.same_network(model.method)
    assert not small(DecoNoising, psf="optics:na=1.1").same_network(model.method)
    assert not small(DecoNoising, psf="gaussian:1.1").same_network(model.method)
    trainer = Trainer(stack, asked, device="cpu")
    trainer.restore(model)
    *_, last = trainer.run()
    assert last.step == 8


@pytest.mark.parametrize(
    ("psf", "augment"),
    [("gaussian:1.2", "eight"), ("gaussian:x=1,y=2", "mirrors"), (Psf(kernel=LOPSIDED).text, "none")],
)
def test_patches_are_turned_only_as_the_psf_allows(psf: str, augment: str) -> None:
    assert DecoNoising(psf=psf).oriented(SETUP).augment == augment


def test_findings_about_the_psf() -> None:
    stack, _ = scene(frames=2)
    found = small(DecoNoising, sigma=0.0).resolve(stack, Context()).findings
    assert psf_kinds.PSF_NONE in kinds_in(found)
    found = small(DecoNoising, psf="gaussian:x=1,z=3").resolve(stack, Context()).findings
    assert psf_kinds.PSF_PLANE in kinds_in(found)
    narrow = "optics:na=1.4,n=1.5,emission=500,pixel=0.2"
    found = small(DecoNoising, psf=narrow).resolve(stack, Context()).findings
    assert psf_kinds.PSF_UNDERSAMPLED in kinds_in(found)
    found = small(DecoNoising).resolve(stack, Context()).findings
    assert not kinds_in(found) & {psf_kinds.PSF_NONE, psf_kinds.PSF_PLANE, psf_kinds.PSF_UNDERSAMPLED}


def test_a_psf_larger_than_the_patches_is_refused() -> None:
    stack, _ = scene(frames=2)
    wide = Psf(kernel=np.ones((81, 81)), source="beads")
    with pytest.raises(QuietfieldError, match="radius of 40 px; patches of 32 px are too small"):
        next(Trainer(stack, small(DecoNoising, psf=wide.text), device="cpu").run())
    with pytest.raises(QuietfieldError, match="describes no PSF"):
        DecoNoising(psf="nonsense")
    with pytest.raises(QuietfieldError, match="above 0"):
        DecoNoising(psf="gaussian:0")


def test_a_prediction_in_parts_is_that_of_the_whole() -> None:
    stack, _ = scene(frames=1, side=96)
    stack = Stack.of(stack.read()[0], "YX")
    model, _ = trained(stack, small(DecoNoising, psf=Psf(kernel=LOPSIDED).text, steps=3, depth=2))
    operation = model.prediction("cpu")
    whole = evaluate(stack, operation, stack.region(), Context())[0]
    part = stack.region(Y=slice(30, 60), X=slice(10, 50))
    found = evaluate(stack, operation, part, Context())[0]
    np.testing.assert_allclose(found, whole[part], rtol=1e-5)
