"""Pixels that were never recorded: found, told, and left out of results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.catalogue import create, methods
from core.findings import kinds
from core.learning.trainer import Trainer
from core.methods.apply import apply, evaluate
from core.methods.stream import streaming
from core.recorded import Recorded
from core.selection import leave_out
from core.simulation.scenes import scene
from core.stack import ArraySource, Stack
from tests.core.learning_data import small
from tests.data import DATA, needs_data

Pixels = NDArray[Any]
FILTERS = [m.name for m in methods("filter")]
OFFSET = 100


def recording(shape: tuple[int, ...] = (6, 96, 96), seed: int = 0) -> Pixels:
    """Camera frames (T, Y, X) of one scene, in counts, with an offset."""
    light = 5 + 100 * scene((5, seed), (shape[-2], shape[-1]))
    rng = np.random.default_rng(seed)
    return np.asarray(
        (2 * rng.poisson(light, shape) + rng.normal(OFFSET, 3, shape)).round().astype(np.uint16)
    )


def rotated(side: int = 96) -> NDArray[np.bool_]:
    """Pixels outside of a rotated field of view."""
    y, x = np.mgrid[:side, :side] - side / 2
    return np.asarray(np.abs(y * np.cos(0.3) + x * np.sin(0.3)) > 0.4 * side)


def mask(stack: Stack) -> NDArray[np.bool_]:
    """Return which pixels were recorded."""
    found = Recorded.of(stack).read(stack.region())[1]
    return np.ones(stack.shape, bool) if found is None else found


@pytest.mark.parametrize("fill", [0, 7, 65535])
def test_the_fill_around_a_rotated_field_was_not_recorded(fill: int) -> None:
    pixels = recording()
    pixels[:, rotated()] = fill
    stack = Stack.of(pixels, "TYX")
    np.testing.assert_array_equal(mask(stack), np.broadcast_to(~rotated(), pixels.shape))
    (finding,) = Recorded.of(stack).findings(0)
    assert finding.kind is kinds.PIXELS_UNRECORDED
    assert finding.value == pytest.approx(rotated().mean())


@pytest.mark.parametrize("rows", [2, 3, 5, 12])
def test_strips_that_registration_left_are_found(rows: int) -> None:
    pixels = recording()
    pixels[2, :rows] = 0
    pixels[3, :, -rows:] = 0
    expected = np.ones(pixels.shape, bool)
    expected[2, :rows] = expected[3, :, -rows:] = False
    np.testing.assert_array_equal(mask(Stack.of(pixels, "TYX")), expected)


@pytest.mark.parametrize("fill", [0, 37, 140, 300, 65535])
def test_gaps_between_stitched_tiles_are_found(fill: int) -> None:
    pixels = recording((2, 128, 128))
    gaps = np.ones((128, 128), bool)
    for row, column in ((3, 5), (3, 70), (68, 2), (66, 67)):
        gaps[row : row + 57, column : column + 56] = False
    pixels[:, gaps] = fill
    found = ~mask(Stack.of(pixels, "TYX"))
    assert found[:, gaps].mean() > 0.99
    assert found[:, ~gaps].mean() < 0.01


def test_channels_and_last_frames_without_pixels_were_not_recorded() -> None:
    pixels = np.stack([recording(), recording(seed=1)], axis=1)
    pixels[4:, 0] = 0
    pixels[:, 1] = 0
    found = mask(Stack.of(pixels, "TCYX"))
    assert found[:4, 0].all()
    assert not found[4:, 0].any()
    assert not found[:, 1].any()


def test_constant_areas_of_images_without_noise_were_recorded() -> None:
    light = scene((5, 3), (128, 128))
    smooth = np.maximum(light - light.mean(), 0)
    for pixels in (smooth.astype(np.float32), (15 * smooth / smooth.max()).astype(np.uint8), smooth > 0):
        assert mask(
            Stack.of(np.asarray(pixels, pixels.dtype if pixels.dtype != bool else np.uint8), "YX")
        ).all()


@needs_data
def test_all_pixels_of_recorded_stacks_were_recorded() -> None:
    files = [
        path for folder in ("stacks", "fmd", "pairs16") for path in sorted((DATA / folder).glob("*.tif"))
    ]
    assert files
    for path in files:
        pixels = tifffile.imread(path)
        assert mask(Stack.of(pixels, "TYX"[-pixels.ndim :])).all(), path.name


@pytest.mark.parametrize("value", [0, 150])
def test_a_blank_frame_was_not_recorded(value: int) -> None:
    pixels = recording((9, 64, 64))
    pixels[3] = value
    assert mask(Stack.of(pixels, "TYX")).all((1, 2)).tolist() == [t != 3 for t in range(9)]


def test_constant_pixels_that_noise_explains_were_recorded() -> None:
    rng = np.random.default_rng(0)
    light = np.maximum(scene((7, 3), (128, 128)) - 0.1, 0)
    clipped = np.clip(rng.poisson(20 * light) + rng.normal(-4, 2, light.shape), 0, 255).round()
    saturated = np.clip(recording((1, 128, 128))[0].astype(float) * 2, 0, 255)
    for pixels in (
        rng.poisson(0.02, (4, 64, 64)),
        clipped[None],
        saturated[None],
        rng.random((2, 32, 32)) < 0.01,
    ):
        assert mask(Stack.of(pixels.astype(np.uint8), "TYX")).all()
    for constant in (np.zeros((3, 32, 32)), np.full((3, 32, 32), 1234.5)):
        assert mask(Stack.of(constant, "TYX")).all()


@settings(max_examples=25, deadline=None)
@given(photons=st.floats(0.05, 50), index=st.integers(0, 10_000), gain=st.sampled_from([1, 3]))
def test_simulated_specimens_were_recorded(photons: float, index: int, gain: int) -> None:
    rng = np.random.default_rng(index)
    light = photons * (scene((8, index), (64, 64)) + 0.02)
    assert mask(Stack.of((gain * rng.poisson(light)).astype(np.uint16), "YX")).all()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_filters_do_not_depend_on_the_fill(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILTERS))
    pixels = recording((4, 64, 64)).astype(np.float32)
    top, width, frame = (data.draw(st.integers(0, n)) for n in (16, 20, 3))
    lost = np.zeros(pixels.shape, bool)
    lost[:, : top + 8], lost[:, :, : width + 8], lost[frame] = True, True, True
    results = []
    for fill in (0.0, -5.0, np.nan):
        filled = np.where(lost, np.float32(fill), pixels)
        results.append(apply(Stack.of(filled, "TYX"), create(name, {}))[0].read())
        np.testing.assert_array_equal(results[-1][lost], filled[lost])
    for other in results[1:]:
        np.testing.assert_allclose(other[~lost], results[0][~lost], rtol=1e-6)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_of_a_uniform_scene_stay_uniform_at_a_fill(name: str) -> None:
    pixels = np.full((5, 40, 40), 150.0, np.float32)
    pixels[:, :9], pixels[2] = np.nan, np.nan
    result = apply(Stack.of(pixels, "TYX"), create(name, {}))[0].read()
    np.testing.assert_allclose(result, pixels, rtol=1e-6)


def test_parts_equal_the_whole() -> None:
    pixels = recording((3, 96, 96))
    pixels[:, rotated()] = 0
    stack = Stack.of(pixels, "TYX")
    method = create("gaussian-3d", {})
    whole = apply(stack, method)[0].read()
    for start in range(0, 96, 13):
        region = stack.region(T=1, Y=slice(start, start + 13), X=slice(20, 33))
        np.testing.assert_array_equal(evaluate(stack, method, region)[0], whole[region])
    with streaming(stack, method, limit=10_000) as lazy:
        np.testing.assert_array_equal(lazy.read(), whole)


@pytest.mark.parametrize("neighbours", ["none", "T", "mean"])
def test_instant_does_not_depend_on_the_fill(neighbours: str) -> None:
    pixels = recording().astype(np.float32)
    lost = np.broadcast_to(rotated(), pixels.shape).copy()
    lost[2] = True
    results = []
    for fill in (0.0, 20.0, np.nan):
        filled = np.where(lost, np.float32(fill), pixels)
        result = evaluate(Stack.of(filled, "TYX"), create("instant", {"neighbours": neighbours}))[0]
        np.testing.assert_array_equal(result[lost], filled[lost])
        results.append(result)
    for other in results[1:]:
        np.testing.assert_allclose(other[~lost], results[0][~lost], rtol=1e-4)


def test_expected_errors_of_pixels_that_were_not_recorded_are_undefined() -> None:
    pixels = recording((1, 96, 96))[0]
    pixels[rotated()] = 0
    _, error = evaluate(Stack.of(pixels, "YX"), create("instant", {"uncertainty": True}))
    np.testing.assert_array_equal(np.isnan(error), rotated())


def test_trained_networks_keep_what_was_not_recorded() -> None:
    lost = np.broadcast_to(rotated(), (6, 96, 96)).copy()
    lost[2] = True
    weights, results = [], []
    for fill in (0.0, np.nan):
        pixels = np.where(lost, np.float32(fill), recording().astype(np.float32))
        stack = Stack.of(pixels, "TYX")
        trainer = Trainer(stack, small(), device="cpu")
        for _ in trainer.run():
            pass
        model = trainer.model()
        weights.append(model.weights)
        results.append(evaluate(stack, model.prediction("cpu"))[0])
        np.testing.assert_array_equal(results[-1][lost], pixels[lost])
    for name, tensor in weights[0].items():
        np.testing.assert_array_equal(tensor.numpy(), weights[1][name].numpy())
    np.testing.assert_array_equal(results[0][~lost], results[1][~lost])


def test_selected_frames_keep_what_the_file_lacks() -> None:
    class Lacking(ArraySource):
        @property
        def missing(self) -> ArraySource:
            lost = np.zeros(self.shape, bool)
            lost[2] = True
            return ArraySource(lost)

    stack = leave_out(Stack(Lacking(np.ones((4, 8, 8), np.uint16)), "TYX"), "T", [0])
    assert stack.missing is not None
    assert stack.missing.read(stack.region()).all((1, 2)).tolist() == [False, True, False]
