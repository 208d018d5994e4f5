"""Noise models fitted to pairs of signal and noisy pixel, against known distributions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from core.errors import QuietfieldError
from core.noise.fitting import FITS, fit
from core.noise.model_text import KEY, NoiseModels, from_text, load_models, save_models, to_text
from core.noise.models import NoiseModel, PoissonGaussian
from core.noise.pairs import count_levels, pairs_of_denoised, pairs_of_repeats
from core.stack import Stack
from core.work.noise_models import make

CAMERA = PoissonGaussian.camera(gain=5, offset=100, read_noise=7)
SIGNALS = np.array([110.0, 150.0, 300.0, 550.0])
SHAPE = 2.0
"""Shape of the gamma distribution of the skewed noise, whose skewness is 2 / sqrt(shape)."""


def scene(seed: int, side: int = 128) -> np.ndarray:
    """Signals from 0.5 to 100 photons, evenly distributed in their logarithm."""
    photons = np.exp(np.random.default_rng(seed).uniform(np.log(0.5), np.log(100), (side, side)))
    return 100 + 5 * photons


def skewed(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gamma noise with the variance of the camera."""
    scale = np.sqrt(CAMERA.variance(signal) / SHAPE)
    return signal + scale * (rng.gamma(SHAPE, size=signal.shape) - SHAPE)


@pytest.fixture(scope="module")
def repeats() -> np.ndarray:
    light = np.broadcast_to(scene(0), (30, 128, 128))
    return CAMERA.sample(light, np.random.default_rng(1)).round()


@pytest.mark.parametrize("kind", FITS)
def test_models_from_repeats_are_those_of_the_camera(kind, repeats):
    model = fit(kind, count_levels(pairs_of_repeats(repeats)))
    np.testing.assert_allclose(model.variance(SIGNALS), CAMERA.variance(SIGNALS), rtol=0.05)
    rng = np.random.default_rng(2)
    signal = scene(3)
    fresh = CAMERA.sample(signal, rng)
    # the mean difference is the Kullback-Leibler divergence of the distributions
    difference = CAMERA.log_likelihood(fresh, signal) - model.log_likelihood(fresh, signal)
    assert abs(difference.mean()) < 0.005
    stabiliser = model.stabiliser()
    assert stabiliser.gain == pytest.approx(5, rel=0.05)


@pytest.mark.parametrize("kind", ["mixture", "histogram"])
def test_skewed_noise_is_learned(kind):
    rng = np.random.default_rng(4)
    light = np.broadcast_to(scene(5), (40, 128, 128))
    levels = count_levels(pairs_of_repeats(skewed(light, rng)))
    model, line = fit(kind, levels), fit("poisson-gaussian", levels)
    signal = scene(6)
    fresh = skewed(signal, rng)
    scale = np.sqrt(CAMERA.variance(signal) / SHAPE)
    truth = stats.gamma.logpdf((fresh - signal) / scale + SHAPE, SHAPE) - np.log(scale)
    losses = {m: float((truth - m.log_likelihood(fresh, signal)).mean()) for m in (model, line)}
    assert losses[model] < 0.06
    assert losses[model] < 0.4 * losses[line]


@pytest.mark.parametrize("kind", FITS)
def test_density_and_samples_agree(kind, repeats):
    model = fit(kind, count_levels(pairs_of_repeats(repeats)))
    rng = np.random.default_rng(7)
    for mean in SIGNALS:
        spread = 10 * float(np.sqrt(model.variance(mean)))
        counts = np.linspace(mean - spread, mean + spread, 20_001)
        chance = np.exp(model.log_likelihood(counts, mean)) * (counts[1] - counts[0])
        assert chance.sum() == pytest.approx(1, abs=2e-3)
        drawn = model.sample(np.full(50_000, mean), rng)
        assert drawn.mean() == pytest.approx(mean, abs=0.02 * spread)
        assert drawn.std() == pytest.approx(spread / 10, rel=0.03)
        distance = stats.ks_1samp(drawn, lambda x, c=counts, p=chance: np.interp(x, c, p.cumsum())).statistic
        # photon numbers without much read noise come in steps, which the continuous distribution averages
        assert distance < (0.02 if kind == "poisson-gaussian" else 0.01)


def test_a_denoised_image_gives_the_shape_and_the_estimate_the_variance(repeats):
    light = scene(0)
    pairs = pairs_of_denoised(repeats[:4], np.broadcast_to(light, (4, 128, 128)))
    shrunk = pairs_of_denoised(repeats[:4], light + 0.3 * (repeats[:4] - light))  # follows the noise
    for given, tolerance in ((pairs, 0.08), (shrunk.scaled_to(CAMERA), 0.12)):
        model = fit("mixture", count_levels(given))
        np.testing.assert_allclose(model.variance(SIGNALS), CAMERA.variance(SIGNALS), rtol=tolerance)


@pytest.mark.parametrize("kind", FITS)
def test_files_keep_the_models(kind, repeats, tmp_path):
    model = fit(kind, count_levels(pairs_of_repeats(repeats)))
    path = save_models(tmp_path / "camera.json", NoiseModels(channels=(model, CAMERA), source="repeats"))
    loaded = load_models(path)
    assert loaded.source == "repeats"
    noisy = SIGNALS + 12.0
    for before, after in zip((model, CAMERA), loaded.channels, strict=True):
        assert before.span == pytest.approx(after.span, rel=1e-5)
        expected = before.log_likelihood(noisy, SIGNALS)
        np.testing.assert_allclose(after.log_likelihood(noisy, SIGNALS), expected, atol=1e-3)
    assert to_text(from_text(path.read_text(), "it")) == path.read_text()


def _models(repeats: np.ndarray) -> dict[str, NoiseModel]:
    levels = count_levels(pairs_of_repeats(repeats))
    return {kind: fit(kind, levels) for kind in FITS}


def test_damaged_files_end_in_a_sentence(repeats, tmp_path):
    for kind, model in _models(repeats).items():
        whole = json.loads(to_text(NoiseModels(channels=(model,))))
        one = whole["channels"][0]
        wrong = [
            {**whole, "channels": []}, {**whole, "channels": 3}, {**whole, "channels": [one] * 1000},
            {**whole, "channels": [{**one, "kind": "other"}]}, {**whole, KEY: 99}, {"a": 1}, [], 3,
        ]  # fmt: skip
        for name, value in one.items():
            if name != "kind":
                wrong.append({**whole, "channels": [{k: v for k, v in one.items() if k != name}]})
                broken = [None, "x", [], {}, 1e300, True] + ([[[-1.0, float("nan")]]] if value else [])
                wrong += [{**whole, "channels": [{**one, name: bad}]} for bad in broken]
        for number, content in enumerate(wrong):
            path = tmp_path / f"{kind}{number}.json"
            path.write_text(json.dumps(content))
            with pytest.raises(QuietfieldError, match=path.name):
                load_models(path)
        path = tmp_path / f"{kind}-cut.json"
        path.write_text(to_text(NoiseModels(channels=(model,)))[:-30])
        with pytest.raises(QuietfieldError, match="damaged"):
            load_models(path)


def test_stacks_that_allow_no_model_say_why(repeats):
    cases = [
        (Stack.of(repeats[:4], "TYX", name="short"), "repeats", "needs 5 frames or more"),
        (Stack.of(repeats[0], "YX", name="one"), "repeats", "one has no repeated frames"),
        (Stack.of(np.full((6, 64, 64), 7.0), "TYX", name="flat"), "repeats", "frames are equal"),
        (Stack.of(repeats[:5, :20, :20], "TYX", name="tiny"), "repeats", "at least 4,000"),
    ]
    for stack, source, words in cases:
        with pytest.raises(QuietfieldError, match=words):
            make(stack, "mixture", source=source)
    noisy = Stack.of(repeats[0], "YX", name="noisy")
    with pytest.raises(QuietfieldError, match="128 x 128 YX"):
        make(noisy, "mixture", denoised=Stack.of(repeats[0, :64], "YX", name="half"))
    three = NoiseModels(channels=(CAMERA,) * 3)
    with pytest.raises(QuietfieldError, match="3 channels and noisy has 2"):
        three.fitting(2, "noisy")


def test_a_stack_gives_a_model_per_channel_and_moving_frames_are_said(repeats):
    frames = np.stack([repeats, 2 * repeats], 1)[:20]
    made = make(Stack.of(frames, "TCYX", name="two"), "mixture")
    assert made.measured.method == "repeats"
    first, second = (one.variance(s) for one, s in zip(made.models.channels, (300.0, 600.0), strict=True))
    assert second == pytest.approx(4 * first, rel=0.02)
    y, x = np.mgrid[:128, :128]
    light = np.stack([300 + 200 * np.sin((x + 4 * t) / 6) * np.cos(y / 7) for t in range(8)])
    moving = Stack.of(CAMERA.sample(light, np.random.default_rng(8)), "TYX", name="moving")
    assert make(moving, "poisson-gaussian").measured.method == "denoised"
    told = make(moving, "poisson-gaussian", source="repeats")
    assert "noise-model-moves" in [finding.code for finding in told.measured.findings]


def test_a_huge_file_is_not_read(tmp_path: Path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(QuietfieldError, match="MB"):
        load_models(path)
