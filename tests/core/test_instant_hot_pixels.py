"""Hot and dead pixels do not affect their surroundings; points that optics blurred are left alone."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from scipy.special import erf

from core.catalogue import create
from core.findings import kinds
from core.methods.apply import evaluate
from core.noise.estimate import estimate
from core.noise.hot_pixels import find_hot_pixels
from core.progress import Context
from core.stack import Stack
from tests.data import DATA, needs_data

COUNT = 20


def scene() -> np.ndarray:
    """Blurred spots on a background, in photons; the offset of the camera is 100 counts."""
    draw = np.random.default_rng(3)
    light = ndimage.gaussian_filter(draw.exponential(1.0, (256, 256)) ** 3, 4)
    return 20 + 600 * light / light.max()


def recorded(change: int) -> tuple[np.ndarray, np.ndarray]:
    """Image with 20 pixels changed by some counts; and where they are."""
    pixels = np.random.default_rng(4).poisson(scene()).astype(np.float64) + 100
    hot, draw = np.zeros(pixels.shape, bool), np.random.default_rng(1)
    hot[tuple(draw.integers(3, 253, (2, COUNT)))] = True
    pixels[hot] += change
    return np.clip(pixels, 0, 65535).astype("u2"), hot


def denoised(pixels: np.ndarray, **params: str) -> np.ndarray:
    return evaluate(Stack.of(pixels, "YX"), create("instant", params))[0].astype(np.float64)


@pytest.mark.parametrize("change", [500, 60000, -3000])
def test_the_surroundings_of_hot_and_dead_pixels_are_as_without_them(change):
    (plain, hot), (pixels, _) = recorded(0), recorded(change)
    far = ndimage.distance_transform_edt(~hot)
    ring = (far >= 1) & (far < 4)

    def error(image, where):
        return float(np.sqrt(np.mean((image - scene() - 100)[where] ** 2)))

    expected = denoised(plain)
    kept, mended = denoised(pixels), denoised(pixels, hot="mend")
    assert error(kept, ring) < 1.1 * error(expected, ring)
    assert np.array_equal(kept[hot], pixels[hot])
    assert error(mended, hot) < 2 * error(expected, ring)
    assert np.array_equal(kept[~hot], mended[~hot])


def test_hot_pixels_are_counted_and_mending_is_proposed():
    stack = Stack.of(recorded(500)[0], "YX")
    for choice, kind in (("keep", kinds.PIXELS_HOT), ("mend", kinds.PIXELS_HOT_MENDED)):
        operation = create("instant", {"hot": choice}).bind(stack, Context())
        (found,) = operation.findings(stack, stack.region())
        assert found.kind is kind
        assert found.value == COUNT
    assert found.proposal is None


@pytest.mark.parametrize("photons", [50, 200, 1000, 20000])
@pytest.mark.parametrize("sigma", [0.5, 0.7, 1.0, 1.5])
def test_beads_blurred_by_the_optics_are_not_hot_pixels(sigma, photons):
    draw = np.random.default_rng([photons, int(10 * sigma)])
    light, at = np.full((256, 256), 10.0), np.arange(16)

    def along(centre):
        edges = [erf((at - centre + side) / sigma / np.sqrt(2)) for side in (0.5, -0.5)]
        return (edges[0] - edges[1]) / 2

    for row in range(0, 256, 16):
        for column in range(0, 256, 16):
            y, x = draw.uniform(7.5, 8.5, 2)
            light[row : row + 16, column : column + 16] += photons * np.outer(along(y), along(x))
    image = (2 * draw.poisson(light) + 100 + draw.normal(0, 3, light.shape)).astype(np.float32)
    assert not find_hot_pixels(image, estimate(image))[0].size


@needs_data
@pytest.mark.parametrize("name", ["w2s/noisy_ch0", "fmd/confocal_mice_noisy", "pairs16/bacteria_noisy",
                                  "stacks/nuclei_zyx", "stacks/sem_n2v", "stacks/pims_stuck"])  # fmt: skip
def test_recorded_images_have_next_to_no_hot_pixels(name):
    pixels = tifffile.imread(DATA / f"{name}.tif")
    for plane in pixels.reshape(-1, *pixels.shape[-2:])[:3]:
        image = plane.astype(np.float32)
        assert len(find_hot_pixels(image, estimate(plane))[0]) <= 1


def test_saturated_pixels_are_not_lifted_above_the_range():
    light = np.minimum(np.random.default_rng(0).poisson(scene()) * 200, 65535).astype("u2")
    assert 0.05 < (light == 65535).mean() < 0.5
    assert denoised(light).max() <= 65535
