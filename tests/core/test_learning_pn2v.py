"""PN2V: closed forms of likelihood and posterior, training, noise model files, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from scipy import ndimage, stats

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.learning.data import Normalisation
from core.learning.methods import ProbabilisticNoise2Void
from core.learning.model import Model
from core.learning.parts.likelihoods import Likelihood
from core.learning.parts.priors import Prior, posterior
from core.methods.apply import evaluate
from core.noise.fitting import fit
from core.noise.model_text import NoiseModels, save_models
from core.noise.models import NoiseModel, PoissonGaussian
from core.noise.pairs import count_levels, pairs_of_repeats
from core.stack import Stack
from tests.core.learning_data import trained as train
from tests.data import DATA, needs_data

CAMERA = PoissonGaussian.camera(gain=4, offset=100, read_noise=8)
CPU = torch.device("cpu")
SHORT: dict[str, Any] = {
    "steps": 4, "seconds": 0.0, "epoch": 2, "patch": 64, "batch": 2, "validation_patches": 2, "warmup": 0,
    "samples": 20,
}  # fmt: skip
ONE = Normalisation(offset=0.0, mean=(0.0,), std=(1.0,), fill=0.0)


def scene(frames: int = 2, side: int = 96, seed: int = 0) -> tuple[Stack, np.ndarray]:
    """Noisy stack of blobs with 3 to 60 photons, and its truth."""
    rng = np.random.default_rng(seed)
    shapes = ndimage.gaussian_filter(rng.normal(size=(frames, side, side)), (0, 2.5, 2.5), mode="wrap")
    light = 100 + 4 * (3 + 57 * np.clip(shapes / shapes.max(), 0, 1))
    return Stack.of(CAMERA.sample(light, rng).round().astype(np.float32), "TYX", name="blobs"), light


def trained(stack: Stack, **given: Any) -> Model:
    model, reports = train(stack, ProbabilisticNoise2Void(**{**SHORT, **given}))
    assert reports[-1].step == SHORT["steps"]
    return model


def gaussian(deviation: float) -> PoissonGaussian:
    return PoissonGaussian.camera(gain=0.0, read_noise=deviation)


@pytest.mark.parametrize("prior_deviation", [0.5, 2.0, 6.0])
def test_samples_of_a_gaussian_prior_give_the_closed_form_of_the_posterior(prior_deviation):
    """Prior N(m, v) and noise N(0, n): mean (m n + x v) / (v + n), variance v n / (v + n)."""
    mean, noise = 50.0, 3.0
    likelihood = Likelihood([gaussian(noise)], ONE, CPU)
    noisy = torch.linspace(42.0, 58.0, 9)[None]
    quantiles = torch.from_numpy(stats.norm.ppf((np.arange(2000) + 0.5) / 2000)).float()
    samples = (mean + prior_deviation * quantiles)[None, :, None].expand(1, -1, 9)
    channel = torch.zeros(1, dtype=torch.int64)
    flat = torch.full((1, 9), mean)
    v, n = prior_deviation**2, noise**2
    expected, variance = (mean * n + noisy * v) / (v + n), v * n / (v + n)
    for given, tolerance in ((samples, 0.02), (None, 1e-4)):
        prior = Prior(signal=flat, sharp=flat, variance=torch.full((1, 9), v), samples=given)
        found, spread = posterior(prior, noisy, likelihood, channel)
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=tolerance * noise)
        np.testing.assert_allclose(spread.numpy(), variance, rtol=0.03)


@pytest.mark.parametrize("kind", ["poisson-gaussian", "mixture", "histogram"])
def test_the_table_is_the_likelihood_of_the_noise_model(kind):
    rng = np.random.default_rng(1)
    light = np.broadcast_to(100 + 4 * rng.uniform(1, 80, (96, 96)), (20, 96, 96))
    model: NoiseModel = CAMERA
    if kind != "poisson-gaussian":
        model = fit(kind, count_levels(pairs_of_repeats(CAMERA.sample(light, rng))))
    units = Normalisation(offset=0.0, mean=(90.0,), std=(4.0,), fill=0.0)
    table = Likelihood([model], units, CPU)
    channel = torch.zeros(1, dtype=torch.int64)
    signal = rng.uniform(110, 400, 500)
    noisy = signal + rng.normal(0, 1.5, 500) * np.sqrt(model.variance(signal))
    given = [torch.from_numpy((one - 90) / 4).float()[None] for one in (noisy, signal)]
    given[1].requires_grad_(True)
    found = table.log_density(*given, channel)
    expected = model.log_likelihood(noisy, signal) + np.log(4.0)
    # histograms have steps, which the table rounds off
    far = np.abs(found.detach().numpy()[0] - expected)
    assert np.quantile(far, 0.95) < (0.05 if kind == "histogram" else 0.01)
    np.testing.assert_allclose(
        table.variance(given[1], channel).detach().numpy()[0], model.variance(signal) / 16, rtol=0.01
    )
    found.sum().backward()
    step = 0.02 * np.sqrt(model.variance(signal))
    change = model.log_likelihood(noisy, signal + step) - model.log_likelihood(noisy, signal - step)
    slope = change / (2 * step) * 4
    if kind != "histogram":
        assert np.corrcoef(slope, given[1].grad.numpy()[0])[0, 1] > 0.99


@pytest.mark.parametrize("prior", ["samples", "gaussian"])
def test_it_denoises_and_the_posterior_is_better_than_the_prior(prior, tmp_path: Path):
    stack, light = scene()
    model = trained(stack, prior=prior)
    denoised, before, error = evaluate(stack, model.prediction("cpu"))
    errors = [float(np.square(image - light).mean()) for image in (stack.read(), before, denoised)]
    noise = float(CAMERA.variance(light).mean())
    assert errors[2] < errors[1] < 0.2 * errors[0]
    # fusing two independent estimates: 1 / (1 / prior + 1 / noise)
    gain, expected = 10 * np.log10(errors[1] / errors[2]), 10 * np.log10(1 + errors[1] / noise)
    assert gain == pytest.approx(expected, abs=0.25)
    assert float(np.square(error).mean()) == pytest.approx(errors[2], rel=0.5)
    save_model(tmp_path / "net.quietfield", model)
    loaded = load_model(tmp_path / "net.quietfield")
    assert loaded.method == model.method
    np.testing.assert_array_equal(evaluate(stack, loaded.prediction("cpu"))[0], denoised)


def test_the_prior_of_a_pixel_does_not_depend_on_its_own_value():
    stack, _ = scene(frames=2)
    prediction = trained(stack).prediction("cpu")
    pixels = stack.read()[0].copy()
    before = evaluate(Stack.of(pixels, "YX"), prediction)
    pixels[40, 41] += 60  # not so far that it would be taken for a hot pixel
    after = evaluate(Stack.of(pixels, "YX"), prediction)
    assert after[1][40, 41] == pytest.approx(before[1][40, 41], abs=1e-3)
    assert after[0][40, 41] > before[0][40, 41] + 1


def test_the_same_seed_gives_the_same_network_and_tiles_give_the_same_pixels():
    stack, _ = scene()
    first, second = trained(stack), trained(stack)
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
    whole = evaluate(stack, first.prediction("cpu"))[0]
    region = stack.region(T=1, Y=slice(20, 60), X=slice(8, 90))
    part = evaluate(stack, first.prediction("cpu"), region)[0]
    np.testing.assert_allclose(part, whole[region], rtol=1e-4)


def test_a_file_is_embedded_and_must_cover_the_stack(tmp_path: Path):
    stack, light = scene()
    rng = np.random.default_rng(2)
    wide = np.broadcast_to(100 + 4 * rng.uniform(0, 90, (64, 64)), (30, 64, 64))
    for name, calibration in (("good", wide), ("narrow", wide / 6 + 85)):
        model = fit("mixture", count_levels(pairs_of_repeats(CAMERA.sample(calibration, rng))))
        save_models(tmp_path / f"{name}.json", NoiseModels(channels=(model,), source=name))
    model = trained(stack, noise_model=str(tmp_path / "good.json"))
    assert model.method.noise_model.startswith("{")
    (tmp_path / "good.json").unlink()
    denoised = evaluate(stack, model.prediction("cpu"))[0]
    assert np.square(denoised - light).mean() < 0.2 * CAMERA.variance(light).mean()
    for value, words in (
        (str(tmp_path / "narrow.json"), "narrow.json covers signals from"),
        (str(tmp_path / "good.json"), "good.json"),
        ("{}", "not a noise model"),
    ):
        with pytest.raises(QuietfieldError, match=words):
            trained(stack, noise_model=value)


def test_stacks_that_it_cannot_denoise_are_refused_or_warned_of():
    small = Stack.of(scene()[0].read()[:, :40], "TYX", name="small")
    with pytest.raises(QuietfieldError, match="small have 96 x 40 pixels; PN2V needs"):
        trained(small)
    flat = Stack.of(np.tile(np.arange(96.0, dtype=np.float32), (2, 96, 1)), "TYX", name="ramp")
    with pytest.raises(QuietfieldError, match="No noise was found in ramp"):
        trained(flat)
    smooth = scene(side=128)[0].read().astype(np.float64)
    correlated = np.stack([ndimage.uniform_filter(frame, (1, 3)) for frame in smooth]).astype(np.float32)
    found = trained(Stack.of(correlated, "TYX", name="smooth")).record.findings
    assert "posterior-invalid" in [finding.code for finding in found]
    assert "posterior-invalid" not in [f.code for f in trained(scene()[0]).record.findings]


def test_two_channels_have_two_noise_models():
    stack, light = scene(frames=2)
    pixels = np.stack([stack.read(), 3 * stack.read()], 1)
    both = Stack.of(pixels, "TCYX", name="two")
    model = trained(both)
    denoised = evaluate(both, model.prediction("cpu"))[0]
    for channel, factor in enumerate((1, 3)):
        error = np.square(denoised[:, channel] / factor - light).mean()
        assert error < 0.2 * CAMERA.variance(light).mean()
    with pytest.raises(QuietfieldError, match="trained on 2 channels"):
        evaluate(stack, model.prediction("cpu"))
    assert replace(model.method, noise_model="").noise_model == ""


@needs_data
def test_on_confocal_mice_the_posterior_gains_what_theory_predicts():
    """Gain of 10 log10(1 + MSE_prior / noise variance), within 0.15 dB."""
    noisy = tifffile.imread(DATA / "fmd" / "confocal_mice_noisy.tif").squeeze()[:256, :256]
    clean = tifffile.imread(DATA / "fmd" / "confocal_mice_clean.tif").squeeze()[:256, :256].astype(np.float64)
    stack = Stack.of(noisy, "YX", name="mice")
    model = trained(stack)
    denoised, prior = (np.asarray(one, np.float64) for one in evaluate(stack, model.prediction("cpu"))[:2])
    before, after = (float(np.square(image - clean).mean()) for image in (prior, denoised))
    noise = float(np.square(noisy - clean).mean())
    assert 10 * np.log10(before / after) == pytest.approx(10 * np.log10(1 + before / noise), abs=0.15)
