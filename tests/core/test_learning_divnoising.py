"""DivNoising: a posterior with a closed form, reproducible samples, saved networks, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.learning.data import Normalisation
from core.learning.methods import DivNoising
from core.learning.model import Model
from core.learning.parts.centring import STEP, useful_share
from core.learning.parts.heads import Emitted
from core.learning.parts.likelihoods import Likelihood
from core.learning.parts.variational import EvidenceBound, Sampled
from core.learning.patches import Patches
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.noise.model_text import NoiseModels, to_text
from core.noise.models import PoissonGaussian
from core.stack import Stack
from tests.core.learning_data import trained as train

SHORT: dict[str, Any] = {
    "steps": 4, "seconds": 0.0, "epoch": 2, "patch": 64, "batch": 2, "validation_patches": 2, "warmup": 0,
    "width": 8, "samples": 4, "shown": 2, "depth": 2,
}  # fmt: skip


def noise(deviation: float) -> str:
    model = PoissonGaussian.camera(gain=0.0, read_noise=deviation)
    return to_text(NoiseModels(channels=(model,)))


def trained(stack: Stack, **given: Any) -> Model:
    return train(stack, DivNoising(**{**SHORT, **given}))[0]


def scene(side: int = 96, seed: int = 0) -> Stack:
    rng = np.random.default_rng(seed)
    light = 200 + 40 * ndimage.gaussian_filter(rng.normal(size=(2, side, side)), (0, 3, 3), mode="wrap") / 0.1
    return Stack.of((light + rng.normal(0, 15, light.shape)).astype(np.float32), "TYX", name="blobs")


def test_it_learns_the_posterior_of_a_linear_gaussian_case():
    """Independent pixels s ~ N(100, 10) and x ~ N(s, 10): the posterior is N((100 + x) / 2, sqrt(50))."""
    rng = np.random.default_rng(1)
    signal = 100 + 10 * rng.standard_normal((8, 64, 64))
    noisy = (signal + 10 * rng.standard_normal(signal.shape)).astype(np.float32)
    stack = Stack.of(noisy, "TYX", name="white")
    model = trained(
        stack, noise_model=noise(10.0), steps=250, width=16, learning_rate=1e-2, depth=1, samples=20,
        epoch=125, warmup=10, average=0.1, rise=0.6,
    )  # fmt: skip
    mean, deviation, *single = evaluate(stack, model.prediction("cpu"))
    slope, level = np.polyfit(noisy.ravel(), mean.ravel(), 1)
    assert slope == pytest.approx(0.5, abs=0.06)
    assert level + slope * 100 == pytest.approx(100, abs=1)
    assert np.sqrt(np.square(deviation).mean()) == pytest.approx(np.sqrt(50), rel=0.15)
    # a single sample has the variance of the signal, which the mean has not
    assert single[0].std() == pytest.approx(10, rel=0.12)
    assert mean.std() == pytest.approx(np.sqrt(50), rel=0.15)
    assert np.square(mean - signal).mean() == pytest.approx(50, rel=0.1)


@pytest.mark.parametrize(("first", "second"), [(0.3, 0.6), (0.5, 0.9), (0.3, 0.4), (0.6, 0.3)])
def test_the_share_of_the_network_is_that_of_the_smallest_error(first: float, second: float):
    """With s ~ N(0, 1) and x ~ N(s, 1 + STEP**2), the best image ``c x`` has c = 1 / (2 + STEP**2)."""
    rng = np.random.default_rng(3)
    signal = rng.standard_normal((256, 256))
    noisy = torch.from_numpy(signal + rng.standard_normal(signal.shape))
    found = useful_share(
        noisy, torch.ones(noisy.shape, dtype=torch.bool), lambda x: (first * x, second * x),
        torch.ones_like, torch.Generator().manual_seed(0),
    )  # fmt: skip
    best = (1 / (2 + STEP**2) - first) / (second - first)
    assert found == pytest.approx(min(max(best, 0.0), 1.0), abs=0.05)


def test_pixels_that_were_not_recorded_do_not_count():
    rng = np.random.default_rng(4)
    noisy = torch.from_numpy(rng.standard_normal((128, 128)) + rng.standard_normal((128, 128)))
    recorded = torch.ones(noisy.shape, dtype=torch.bool)
    recorded[:40] = False
    shares = []
    for level in (0.0, 1e3):
        noisy[:40] = level
        shares.append(
            useful_share(
                noisy, recorded, lambda x: (0.4 * x, 0.6 * x), torch.ones_like,
                torch.Generator().manual_seed(0),
            )
        )  # fmt: skip
    assert shares[0] == shares[1]


def test_the_bound_is_exact_where_nothing_is_hidden():
    """With s fixed and q equal to its prior, the loss is the negative log-likelihood."""
    rng = np.random.default_rng(2)
    signal, noisy = (torch.from_numpy(rng.normal(0, 1, (2, 64, 64))).float() for _ in range(2))
    one = Normalisation(offset=0.0, mean=(0.0,), std=(1.0,), fill=0.0)
    model = PoissonGaussian.camera(gain=0.0, read_noise=0.7)
    zeros = torch.zeros(2)
    patches = Patches(noisy, noisy, None, zeros, zeros.long(), None, weight=torch.full((2,), 0.5))
    emitted: Emitted = Sampled(signal=signal, sharp=signal, divergence=torch.full((2,), 4096.0))
    found = EvidenceBound(Likelihood([model], one, torch.device("cpu"))).losses(emitted, patches)
    expected = -model.log_likelihood(noisy.numpy(), signal.numpy()).mean((1, 2)) + 0.5
    np.testing.assert_allclose(found.numpy(), expected, atol=5e-3)


def test_samples_depend_on_the_seed_and_their_place_alone(tmp_path: Path):
    stack = scene()
    model = trained(stack)
    outputs = evaluate(stack, model.prediction("cpu"))
    names = [output.name for output in model.method.outputs]
    assert names == ["denoised", "deviation", "sample 1", "sample 2"]
    assert len(outputs) == 4
    assert not np.array_equal(outputs[2], outputs[3])
    assert outputs[1].min() >= 0
    assert outputs[1].max() > 0
    save_model(tmp_path / "net.quietfield", model)
    loaded = load_model(tmp_path / "net.quietfield")
    for one, again in zip(outputs, evaluate(stack, loaded.prediction("cpu")), strict=True):
        np.testing.assert_array_equal(one, again)
    region = stack.region(T=1, Y=slice(20, 70), X=slice(11, 90))
    for one, part in zip(outputs, evaluate(stack, model.prediction("cpu"), region), strict=True):
        np.testing.assert_allclose(part, one[region], rtol=1e-3)


def test_the_same_seed_gives_the_same_network_and_resuming_goes_on_exactly():
    stack = scene()
    first, second = (trained(stack, schedule="constant", average=0.0, rise=0.0) for _ in range(2))
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
    half = trained(stack, schedule="constant", average=0.0, rise=0.0, steps=2)
    method = DivNoising(**{**SHORT, "schedule": "constant", "average": 0.0, "rise": 0.0})
    trainer = Trainer(stack, method, device="cpu", threads=1)
    trainer.restore(half)
    for _ in trainer.run():
        pass
    again = trainer.model()
    assert again.record.steps == 4
    assert all(torch.equal(first.weights[name], again.weights[name]) for name in first.weights)


def test_stacks_that_it_cannot_denoise_are_refused_or_warned_of():
    small = Stack.of(scene().read()[:, :40], "TYX", name="small")
    with pytest.raises(QuietfieldError, match="small have 96 x 40 pixels; DivNoising needs"):
        trained(small)
    smooth = np.stack([ndimage.uniform_filter(frame, (1, 3)) for frame in scene(128).read()])
    found = trained(Stack.of(smooth, "TYX", name="smooth")).record.findings
    assert "posterior-invalid" in [finding.code for finding in found]
