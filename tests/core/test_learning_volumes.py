"""Networks for volumes: blind spots, tiles, PSF, training and files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.findings import psf_kinds
from core.learning.architecture import Architecture
from core.learning.base import Learned
from core.learning.data import Normalisation
from core.learning.device import half_is_better
from core.learning.methods import DecoNoising, Noise2Void, Noise2Void2, StructNoise2Void
from core.learning.model import Model
from core.learning.network import initial, receptive_field
from core.learning.parts.blur import Blur
from core.learning.parts.setup import Setup
from core.learning.trainer import Trainer
from core.learning.volume_network import VolumeConvolution, VolumeUNet
from core.learning.volumetric import poolings_along_z
from core.methods.apply import apply, evaluate
from core.progress import Cancelled, Context
from core.psf import Psf, gaussian
from core.psf.convolution import convolve_volume
from core.stack import Metadata, Stack
from tests.core.learning_data import kinds_in, only, small, trained

CPU = torch.device("cpu")
VOLUME = {"space": "3D", "planes": 8, "depth": 2, "batch": 2, "validation_patches": 2}
LOPSIDED = np.random.default_rng(5).random((5, 3, 7)).astype(np.float32)


def scene(shape: tuple[int, ...] = (12, 64, 48), noise: float = 20.0) -> tuple[Stack, NDArray[np.float64]]:
    """Noisy volume (Z, Y, X), with planes that are 1.5 pixels apart, and its truth."""
    rng = np.random.default_rng(1)
    lead = (0,) * (len(shape) - 3)
    truth = ndimage.gaussian_filter(rng.normal(size=shape), (*lead, 1.5, 3, 3), mode="wrap")
    truth = 400 + 60 * truth / truth.std()
    known = Metadata(name="volume", spacing={"Z": 0.15, "Y": 0.1, "X": 0.1})
    noisy = rng.normal(truth, noise).astype(np.float32)
    return Stack.of(noisy, "TCZYX"[-len(shape) :], known), truth


def untrained(method: Learned, seed: int = 0) -> Model:
    """Network of a method with random weights."""
    weights = initial(method.architecture(), seed).state_dict()
    norm = Normalisation(offset=0.0, mean=(400.0,), std=(60.0,), fill=400.0)
    return Model(method=method, weights=weights, normalisation=norm)


def test_the_convolution_is_that_of_three_dimensions():
    layer, images = VolumeConvolution(2, 5), torch.randn(3, 6, 2, 8, 9)
    kernel = layer.weight.reshape(5, 3, 2, 3, 3).transpose(1, 2)
    expected = torch.nn.functional.conv3d(images.transpose(1, 2), kernel, layer.bias, padding=1)
    torch.testing.assert_close(layer(images), expected.transpose(1, 2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("depth", "deep"), [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
def test_receptive_field_along_z_is_exact(depth, deep):
    """Change one plane at a time: outputs change within the stated distance, and not beyond."""
    architecture = Architecture(width=4, depth=depth, space="3D", deep=deep)
    network = VolumeUNet(architecture).double()
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(p.abs() + 0.1)  # every path counts, no ReLU is shut
    reach, step, side = receptive_field(architecture, "Z"), 2**deep, 2 ** (depth - 1)
    middle = reach + -reach % step + step
    count = 2 * middle
    volumes = torch.eye(count, dtype=torch.float64)[:, None, :, None, None].repeat(1, 1, 1, side, side)
    with torch.no_grad():
        changed = network(volumes)[:, 0, :, 0, 0] != network(torch.zeros_like(volumes[:1]))[:, 0, :, 0, 0]
    places = torch.arange(middle, middle + step)
    distances = (torch.arange(count)[:, None] - places[None, :]).abs()
    assert int(distances[changed[:, places]].max()) == reach


@pytest.mark.parametrize("cls", [Noise2Void, StructNoise2Void, DecoNoising])
def test_a_hidden_pixel_does_not_change_its_own_prediction(cls):
    stack, _ = scene()
    more = {"line": "x", "reach": 2} if cls is StructNoise2Void else {}
    more |= {"sigma": 0.0} if cls is DecoNoising else {}
    method = small(cls, **VOLUME, **more)
    setup = Setup(
        stack=stack, target=None, device=CPU, side=32, memory=2**30, batch=1, augment="none", validation=0.0,
        validation_patches=1, seed=0, by_channel=True, along="", planes=8,
    )  # fmt: skip
    examples, generator = method.examples(setup), torch.Generator().manual_seed(3)
    list(examples.read(generator, None))
    patches, head = examples.draw(generator), method.head(setup)
    network = initial(method.architecture(), 0)
    assert patches.pixels.shape == (1, 8, 32, 32)
    mask = patches.mask
    assert mask is not None

    def predicted(pixels: torch.Tensor) -> torch.Tensor:
        changed = replace(patches, pixels=pixels)
        with torch.no_grad():
            return head.emit(network, examples.shown(changed, lambda shown: shown), changed).signal.flatten()

    before, volume = predicted(patches.pixels), 8 * 32 * 32
    used = mask.shown[0] != mask.changed[0]
    replacing = set(mask.shown[0][used].tolist())  # their values are seen elsewhere
    hidden = [i for i in mask.hidden[0][mask.counts[0]].tolist() if i not in replacing]
    assert len(hidden) > 50
    planes = {i // (32 * 32) for i in mask.hidden[0].tolist()}
    assert planes == set(range(8))
    for place in hidden[:: max(1, len(hidden) // 6)]:
        other = patches.pixels.clone()
        other.view(-1)[place] += 50.0
        assert predicted(other)[place] == before[place]
    seen = next(i for i in range(volume // 2, volume) if i not in set(mask.changed[0].tolist()))
    other = patches.pixels.clone()
    other.view(-1)[seen] += 50.0
    assert predicted(other)[seen] != before[seen]


@pytest.mark.parametrize("psf", [gaussian(1.7, 1.0, 1.3), Psf(kernel=LOPSIDED)])
@pytest.mark.parametrize("planes", [3, 12])
def test_the_psf_is_that_of_scipy(psf, planes):
    """Also where the PSF has more planes than the volume."""
    volume = np.random.default_rng(0).normal(size=(planes, 20, 24)).astype(np.float32)
    expected = ndimage.convolve(volume.astype(np.float64), psf.kernel.astype(np.float64), mode="mirror")
    found = Blur(psf, CPU)(torch.from_numpy(volume)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(convolve_volume(volume, psf), expected, atol=2e-6)


def test_a_flat_psf_is_applied_to_every_plane():
    volume = np.random.default_rng(0).normal(size=(5, 20, 24)).astype(np.float32)
    expected = ndimage.convolve(volume, LOPSIDED[2:3] / LOPSIDED[2].sum(), mode="mirror")
    psf = Psf(kernel=LOPSIDED[2])
    np.testing.assert_allclose(
        Blur(psf, CPU)(torch.from_numpy(volume)[None, None])[0, 0].numpy(), expected, atol=1e-5
    )
    np.testing.assert_allclose(convolve_volume(volume, psf), expected, atol=1e-5)


@pytest.mark.parametrize("deep", ["0", "1", "2"])
def test_parts_and_tiles_agree_with_the_whole(deep):
    method = small(
        DecoNoising, **VOLUME | {"depth": 3, "width": 4}, z_poolings=deep, psf="gaussian:x=1,y=1,z=0.8"
    )
    stack, _ = scene((75, 32, 144))  # more planes and columns than one tile
    prediction = untrained(method).prediction("cpu")
    whole = [result.read() for result in apply(stack, prediction)]
    assert [w.shape for w in whole] == [(75, 32, 144)] * 2
    scale = float(whole[1].std())
    for region in (
        (slice(37, 38), slice(0, 32), slice(100, 144)),
        (slice(41, 44), slice(5, 9), slice(3, 20)),
        (slice(70, 75), slice(0, 32), slice(0, 16)),
    ):
        for part, all_of_it in zip(evaluate(stack, prediction, region), whole, strict=True):
            np.testing.assert_allclose(part, all_of_it[region], atol=2e-5 * scale)
    for cut, result in zip(apply(stack, prediction, limit=40_000), whole, strict=True):
        np.testing.assert_allclose(cut.read(), result, atol=2e-5 * scale)


@pytest.mark.parametrize("cls", [Noise2Void2, StructNoise2Void])
def test_other_methods_with_hidden_pixels_train_on_volumes_too(cls):
    stack, _ = scene()
    model, reports = trained(stack, small(cls, **VOLUME))
    assert reports[-1].step == 12
    assert np.isfinite(evaluate(stack, model.prediction("cpu"))[0]).all()


def test_volumes_of_a_time_lapse_are_denoised_one_by_one():
    method = small(Noise2Void, **VOLUME)
    stack, _ = scene((3, 2, 9, 24, 24))
    prediction = untrained(method).prediction("cpu")
    (whole,) = evaluate(stack, prediction)
    one = Stack.of(stack.read()[2, 1], "ZYX")
    np.testing.assert_allclose(evaluate(one, prediction)[0], whole[2, 1], atol=1e-3)


def test_training_lowers_the_error_and_a_file_gives_it_back(tmp_path: Path):
    stack, truth = scene(noise=40.0)
    method = small(
        Noise2Void, **VOLUME | {"steps": 120, "learning_rate": 4e-3, "epoch": 40, "box": 2, "batch": 1}
    )
    model, reports = trained(stack, method)
    assert model.method.z_poolings == "1"  # 1.5 pixels between planes
    assert reports[-1].validation is not None
    (denoised,) = evaluate(stack, model.prediction("cpu"))
    error = np.square(denoised - truth).mean()
    assert error < 0.5 * np.square(stack.read() - truth).mean()
    save_model(tmp_path / "a.quietfield", model)
    again = load_model(tmp_path / "a.quietfield")
    assert again.method == model.method
    np.testing.assert_array_equal(evaluate(stack, again.prediction("cpu"))[0], denoised)


def test_resuming_gives_the_same_network(tmp_path: Path):
    stack, _ = scene()
    method = small(DecoNoising, **VOLUME, psf="gaussian:x=1,y=1,z=0.8")
    whole, _ = trained(stack, method)
    first, _ = trained(stack, replace(method, steps=7))
    # the schedule depends on the number of steps, so that the first part stops on its own clock
    trainer = Trainer(stack, method, device="cpu")
    for report in trainer.run(every=0):
        if report.step == 7:
            break
    save_model(tmp_path / "half.quietfield", trainer.model())
    resumed = Trainer(stack, method, device="cpu")
    resumed.restore(load_model(tmp_path / "half.quietfield"))
    list(resumed.run())
    for name, tensor in resumed.model().weights.items():
        assert torch.equal(tensor, whole.weights[name])
    assert not torch.equal(first.weights["end.weight"], whole.weights["end.weight"])


def test_a_network_for_planes_cannot_go_on_as_one_for_volumes():
    stack, _ = scene()
    flat, _ = trained(stack, small(Noise2Void, depth=2))
    with pytest.raises(QuietfieldError, match="for volumes"):
        Trainer(stack, small(Noise2Void, **VOLUME), device="cpu").restore(flat)


def test_positivity_keeps_negative_light_out():
    rng = np.random.default_rng(0)
    truth = np.zeros((8, 32, 32))
    truth[tuple(rng.integers(0, n, 25) for n in truth.shape)] = 4000.0
    psf = gaussian(1.0, 1.2, 1.2)
    noisy = rng.poisson(convolve_volume(truth.astype(np.float32), psf).clip(0)).astype(np.float32)
    stack = Stack.of(noisy, "ZYX", Metadata(name="points"))
    negative = []
    for weight in (0.0, 5.0):
        more = {"steps": 80, "learning_rate": 4e-3, "validation": 0.0, "patch": 16, "psf": psf.text}
        method = small(DecoNoising, **VOLUME | more, positivity=weight, estimate_offset=False)
        model, _ = trained(stack, method)
        sharp = evaluate(stack, model.prediction("cpu"))[1]
        negative.append(-sharp.clip(max=0).mean() / sharp.clip(min=0).mean())
    assert negative[1] < 0.02
    assert negative[1] < 0.2 * negative[0]


def test_a_stack_in_small_memory_is_trained_on_in_parts():
    stack, _ = scene((40, 64, 48))
    trainer = Trainer(stack, small(Noise2Void, **VOLUME), device="cpu", memory=20 * 64 * 48 * 4)
    reports = list(trainer.run())
    assert reports[-1].step == 12
    assert all(torch.isfinite(weights).all() for weights in trainer.model().weights.values())


def test_missing_pixels_do_not_reach_the_loss():
    stack, _ = scene()
    pixels = stack.read().copy()
    pixels[5, 10:30, 10:30] = np.nan
    holed = Stack.of(pixels, "ZYX", stack.meta)
    model, reports = trained(holed, small(Noise2Void, **VOLUME))
    assert np.isfinite(reports[-1].validation)
    denoised = evaluate(holed, model.prediction("cpu"))[0]
    np.testing.assert_array_equal(np.isnan(denoised), np.isnan(pixels))


def test_unsuitable_stacks_are_refused_in_a_sentence():
    flat = Stack.of(np.random.default_rng(0).normal(400, 20, (3, 64, 64)).astype(np.float32), "ZYX")
    with pytest.raises(QuietfieldError, match="needs at least 4 planes along Z"):
        trained(flat, small(Noise2Void, **VOLUME))
    stack, _ = scene()
    with pytest.raises(QuietfieldError, match="no neighbours along Z"):
        trained(stack, small(Noise2Void, **VOLUME, neighbours="Z"))
    with pytest.raises(QuietfieldError, match="too many"):
        trained(stack, small(Noise2Void, **VOLUME, z_poolings="2"))
    with pytest.raises(QuietfieldError, match="too shallow"):
        trained(stack, small(DecoNoising, **VOLUME, psf="gaussian:x=1,y=1,z=2.5"))
    prediction = untrained(small(Noise2Void, **VOLUME)).prediction("cpu")
    for one in (flat, Stack.of(stack.read()[0], "YX")):
        with pytest.raises(QuietfieldError, match="trained on volumes"):
            evaluate(one, prediction)


def test_patches_are_deep_enough_for_the_poolings_that_were_asked_for():
    stack, _ = scene((32, 32, 32))
    method = small(Noise2Void, **VOLUME | {"planes": 4, "depth": 4, "patch": 32, "z_poolings": "3"})
    model, reports = trained(stack, method)
    assert np.isfinite(reports[-1].loss)
    assert evaluate(stack, model.prediction("cpu"))[0].shape == stack.shape


def test_volumes_are_proposed_where_a_psf_has_depth():
    stack, _ = scene()
    found = small(DecoNoising, psf="gaussian:x=1,y=1,z=1").resolve(stack, Context()).findings
    proposal = only(found, psf_kinds.PSF_PLANE).proposal
    assert proposal is not None
    assert proposal.params == {"space": "3D"}
    frames = Stack.of(stack.read(), "TYX")
    found = small(DecoNoising, psf="gaussian:x=1,y=1,z=1").resolve(frames, Context()).findings
    assert only(found, psf_kinds.PSF_PLANE).proposal is None
    found = small(DecoNoising, **VOLUME, psf="gaussian:x=1,y=1,z=1").resolve(stack, Context()).findings
    assert not kinds_in(found) & {psf_kinds.PSF_PLANE, psf_kinds.PSF_FLAT}
    found = small(DecoNoising, **VOLUME).resolve(stack, Context()).findings
    assert psf_kinds.PSF_FLAT in kinds_in(found)


@pytest.mark.parametrize(
    ("step", "depth", "planes", "expected"),
    [(0.1, 3, 16, 2), (0.3, 3, 16, 1), (0.5, 3, 16, 0), (0.1, 3, 8, 1), (0.1, 4, 64, 3), (None, 3, 16, 0)],
)
def test_planes_are_pooled_as_far_as_their_distance_allows(step, depth, planes, expected):
    spacing = {"X": 0.1, "Y": 0.1} | ({"Z": step} if step else {})
    assert poolings_along_z(spacing, depth, planes) == expected


def test_a_training_stops_between_convolutions():
    stack, _ = scene()
    trainer, context = Trainer(stack, small(Noise2Void, **VOLUME), device="cpu"), Context()
    reports = trainer.run(context, every=0)
    while next(reports).step < 3:
        pass
    context.cancel()
    with pytest.raises(Cancelled):
        list(reports)


def test_the_precision_is_measured_on_a_volume():
    network = VolumeUNet(Architecture(width=4, depth=2, space="3D"))
    assert isinstance(half_is_better(network, (1, 8, 16, 16), seconds=0.1), bool)
