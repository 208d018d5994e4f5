"""Quietfield: fine-tuning of the network of Instant, and its decisions about neighbours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.findings import kinds
from core.instant.denoiser import lift
from core.instant.method import Instant
from core.instant.weights import file_of, load_network
from core.learning.data import normalised
from core.learning.masks import draw_mask, surrounded
from core.learning.methods import Quietfield
from core.learning.methods.quietfield import NARROW
from core.learning.model import Model
from core.learning.neighbour_trial import bears_convolution, neighbours
from core.learning.trainer import Trainer
from core.learning.training_advice import levels, photons
from core.methods.apply import evaluate
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import NoiseEstimate
from core.noise.transform import Stabiliser
from core.optics import convolve
from core.progress import Context
from core.psf import gaussian
from core.simulation.detection import Detector, record
from core.simulation.scenes import scene
from core.simulation.specimens import tubules
from core.stack import Stack
from tests.core.learning_data import kinds_in, only
from tests.data import DATA, needs_data


def recorded(
    seeds: tuple[int, ...], side: int = 96, photons: float = 20.0, smoothing: float = 0.0
) -> tuple[Stack, NDArray]:
    """Frames of simulated tubules and their truth; a seed again is the same scene, with other noise."""
    light = np.stack([scene((5, seed), (side, side), tubules) for seed in seeds]).astype(np.float64) + 0.05
    detector = Detector(read_noise=1.0, smoothing=(smoothing, smoothing))
    recording = record((light * photons).reshape(-1, side), detector, np.random.default_rng(3))
    shape = light.shape
    return Stack.of(recording.noisy.reshape(shape), "TYX", name="tubules"), recording.mean.reshape(shape)


def psnr(image: NDArray, truth: NDArray) -> float:
    return float(10 * np.log10(truth.max() ** 2 / np.mean((image - truth) ** 2)))


@given(seed=st.integers(0, 1000), side=st.integers(16, 40), box=st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_surroundings_know_nothing_of_hidden_pixels(seed: int, side: int, box: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = draw_mask(2, side, box, 3, generator)
    patches = torch.randn(2, side, side, generator=generator)
    others = patches.flatten(1).scatter(1, mask.hidden, 1e3).reshape(patches.shape)
    torch.testing.assert_close(surrounded(patches, mask), surrounded(others, mask))
    changed = (surrounded(patches, mask) != patches).flatten(1)
    assert not changed.scatter(1, mask.hidden, False).any()


def test_surroundings_of_a_flat_image_are_the_image() -> None:
    mask = draw_mask(1, 30, 3, 3, torch.Generator().manual_seed(0))
    flat = torch.full((1, 30, 30), 7.5)
    torch.testing.assert_close(surrounded(flat, mask), flat)


@pytest.mark.parametrize(("gain", "constant"), [(2.5, -40.0), (0.3, 12.0), (0.0, 9.0)])
def test_photons_are_what_the_transform_is_the_root_of(gain: float, constant: float) -> None:
    noise = NoiseEstimate(
        model=PoissonGaussian(gain=gain, constant=constant, floor=1.0), dark=30.0, gain_error=0,
        constant_error=0, mean=100.0, autocorrelation=np.pad([[1.0]], 3),
    )  # fmt: skip
    stabiliser = Stabiliser(gain=gain, constant=constant)
    counts = np.linspace(20, 4000, 50, dtype=np.float32)
    light = normalised(counts, photons([(stabiliser, noise)]), 0).astype(np.float64)
    root = light if gain == 0 else 2 * np.sqrt(light + 0.375)
    np.testing.assert_allclose(root, stabiliser.forward(counts), rtol=1e-5)
    assert np.isfinite(lift(stabiliser, noise))


def test_training_on_a_stack_lowers_the_error() -> None:
    """On specimens of one kind, the trained network is closer to the ground truth than Instant."""
    stack, truth = recorded((1, 2, 3, 4), side=128)
    method = Quietfield(
        steps=60, seconds=0, patch=64, batch=4, epoch=20, warmup=10, learning_rate=6e-4, quality="instant",
        neighbours="none",
    )  # fmt: skip
    trainer = Trainer(stack, method, device="cpu")
    reports = list(trainer.run())
    first = trainer.model().record.curve[0][2]
    assert kinds.TRAINING_USELESS not in kinds_in(reports[-1].findings)
    assert reports[-1].validation is not None
    assert 0.7 < first < 1.4  # in variances of the noise
    instant = evaluate(stack, Instant())[0]
    ours = evaluate(stack, trainer.model().prediction("cpu"))[0]
    gains = [psnr(o, t) - psnr(i, t) for o, i, t in zip(ours, instant, truth, strict=True)]
    assert np.mean(gains) > 0.03


def test_without_training_it_is_instant() -> None:
    stack, _ = recorded((1, 2))
    for quality, beside in (("instant", "T"), ("best", "T"), ("best", "none")):
        trainer = Trainer(stack, Quietfield(train="no", quality=quality, neighbours=beside), device="cpu")
        *_, last = trainer.run()
        assert last.step == 0
        frame = stack.region(T=1)
        ours = evaluate(stack, trainer.model().prediction("cpu"), frame)[0]
        theirs = evaluate(stack, Instant(quality=quality, neighbours=beside), frame)[0]
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("quality", ["instant", "best"])
def test_a_network_that_did_not_get_better_is_that_of_instant(quality: str) -> None:
    stack, _ = recorded((1, 2, 3), side=128)
    method = Quietfield(
        steps=4, seconds=0, patch=64, batch=1, epoch=2, warmup=0, learning_rate=1.0, neighbours="none",
        validation_patches=8,
    )  # fmt: skip
    trainer = Trainer(stack, replace(method, quality=quality), device="cpu")
    *_, last = trainer.run()
    assert kinds.TRAINING_USELESS in kinds_in(last.findings)
    network, _ = load_network(file_of(quality))
    for name, weights in trainer.model().weights.items():
        torch.testing.assert_close(weights, network.state_dict()[name], rtol=0, atol=0)
    frame = stack.region(T=1)
    ours = evaluate(stack, trainer.model().prediction("cpu"), frame)[0]
    np.testing.assert_array_equal(ours, evaluate(stack, Instant(quality=quality), frame)[0])


def exposed(width: float, light: float) -> Stack:
    """Blurred noise as a specimen, whose structures are so many pixels wide, in so many photons."""
    rng = np.random.default_rng(2)
    texture = convolve(rng.standard_normal((192, 192)), width)
    mean = light * np.exp(texture / texture.std())
    return Stack.of((rng.poisson(mean) + rng.normal(0, 1, mean.shape)).astype(np.float32), "YX")


@pytest.mark.parametrize(("width", "light", "sigma"), [(5.0, 20.0, NARROW), (2.0, 100.0, 0.0)])
def test_a_psf_ends_the_network_where_it_costs_little(width: float, light: float, sigma: float) -> None:
    stack = exposed(width, light)
    assert bears_convolution(stack, NARROW, Context()) is (sigma > 0)
    narrow = gaussian(NARROW) if sigma else None
    assert Quietfield(train="yes").resolve(stack, Context()).method.blur == narrow
    for psf, expected in (("yes", gaussian(NARROW)), ("no", None)):
        method = Quietfield(train="yes", psf=psf).resolve(stack, Context()).method
        assert method.blur == expected
    assert Quietfield(train="no").resolve(stack, Context()).method.blur is None


def test_the_result_is_convolved_with_the_psf_unless_nothing_was_learned() -> None:
    stack, _ = recorded((1,), side=128)
    alone = Stack.of(stack.plane(T=0), "YX")
    method = Quietfield(train="yes", psf="yes", steps=2, seconds=0.0)
    trainer = Trainer(stack, method, device="cpu", threads=1)
    for _ in trainer.run():
        pass
    found = trainer.model()
    assert found.method.blur == gaussian(NARROW)
    changed = {n: v * 1.01 if v.is_floating_point() else v for n, v in found.weights.items()}
    results = []
    for psf in ("no", "yes"):
        model = replace(found, weights=changed, method=replace(found.method, psf=psf))
        results.append(evaluate(alone, model.prediction("cpu"))[0])
    sharp, blurred = results
    np.testing.assert_allclose(blurred, convolve(sharp, NARROW), rtol=1e-4, atol=1e-3)
    assert np.abs(blurred - sharp).max() > 0.1
    start = load_network(file_of("instant"))[0].state_dict()
    kept = Model(method=found.method, weights=start, normalisation=found.normalisation)
    expected = evaluate(alone, Instant())[0]
    np.testing.assert_allclose(evaluate(alone, kept.prediction("cpu"))[0], expected, atol=1e-3)


def test_frames_of_one_scene_help_and_those_of_others_do_not() -> None:
    still, _ = recorded((1,) * 6)
    assert neighbours(still, Context())[0] == "T"
    fields, _ = recorded((1, 2, 3, 4, 5, 6))
    assert neighbours(fields, Context())[0] == "none"
    assert neighbours(Stack.of(still.plane(T=0), "YX"), Context()) == ("none", ())
    assert neighbours(Stack.of(still.read()[:, :40, :40], "TYX"), Context()) == ("none", ())


def test_neighbours_are_not_looked_for_where_there_is_no_noise() -> None:
    _, truth = recorded((1,) * 4)
    clean = Stack.of(gaussian_filter(truth, (0, 3, 3)).astype(np.float32), "TYX")
    assert neighbours(clean, Context()) == ("none", ())
    assert Quietfield().resolve(clean, Context()).method == Quietfield(train="no", neighbours="none")


def test_what_was_found_is_what_is_used(tmp_path: Path) -> None:
    stack, truth = recorded((1,) * 6)
    method = Quietfield(steps=1, seconds=0, patch=64, batch=1, quality="instant")
    trainer = Trainer(stack, method, device="cpu")
    *_, last = trainer.run()
    helping = only(last.findings, kinds.NEIGHBOURS_HELP)
    assert helping.details["axis"] == "T"
    assert helping.value is not None
    assert helping.limit is not None
    assert helping.value > helping.limit
    model = trainer.model()
    assert isinstance(model.method, Quietfield)
    assert model.method.neighbours == "T"
    save_model(tmp_path / "a.quietfield", model)
    again = load_model(tmp_path / "a.quietfield")
    assert again.method == model.method
    result = evaluate(stack, again.prediction("cpu"))[0]
    np.testing.assert_array_equal(result, evaluate(stack, model.prediction("cpu"))[0])
    alone = evaluate(stack, Instant())[0]
    assert psnr(result, truth) > psnr(alone, truth) + 0.5
    with pytest.raises(QuietfieldError, match="neighbours along time"):
        evaluate(Stack.of(stack.plane(T=0), "YX"), again.prediction("cpu"))


def test_shared_noise_leaves_the_network_as_it_is() -> None:
    stack, _ = recorded((1,), side=256, smoothing=0.7)
    assert not levels(stack)[0][1].blind_spot_valid
    trainer = Trainer(stack, Quietfield(seconds=1), device="cpu")
    *_, last = trainer.run()
    assert last.step == 0
    assert {kinds.NOISE_CORRELATED, kinds.CORRELATION_KNOWN} <= kinds_in(last.findings)


def test_frames_of_one_scene_help_where_pixels_share_noise_too() -> None:
    still, truth = recorded((1,) * 6, side=192, photons=100.0, smoothing=0.7)
    assert not levels(still)[0][1].blind_spot_valid
    assert neighbours(still, Context())[0] == "T"
    fields, _ = recorded((1, 2, 3, 4, 5, 6), side=192, photons=100.0, smoothing=0.7)
    assert neighbours(fields, Context())[0] == "none"
    trainer = Trainer(still, Quietfield(seconds=1, quality="instant"), device="cpu")
    *_, last = trainer.run()
    assert last.step == 0
    assert {kinds.CORRELATION_KNOWN, kinds.NEIGHBOURS_HELP} <= kinds_in(last.findings)
    result = evaluate(still, trainer.model().prediction("cpu"))[0]
    assert psnr(result, truth) > psnr(evaluate(still, Instant())[0], truth) + 0.5


@needs_data
def test_recorded_frames_of_different_fields_do_not_see_each_other() -> None:
    from core.files import open_stack

    stack = open_stack(DATA / "w2s" / "noisy_ch2.tif", axes="TYX")
    assert neighbours(stack, Context())[0] == "none"
    mice = open_stack(DATA / "fmd" / "confocal_mice_4frames_noisy.tif", axes="TYX")
    assert neighbours(mice, Context())[0] == "T"
    widefield = open_stack(DATA / "fmd" / "widefield_bpae_g_4frames_noisy.tif", axes="TYX")
    assert not levels(widefield)[0][1].blind_spot_valid
    assert neighbours(widefield, Context())[0] == "T"
