"""The simulated specimen: reproducible, consistent with its noise model, and noisy enough."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy import ndimage, stats

from core import simulation
from core.findings import kinds
from core.quality.metrics import measure
from core.quality.stacks import mean_of_frames
from core.simulation import Camera, Sample
from core.simulation.optics import focus_and_haze
from resources import FOLDER
from tests.data import DATA


@pytest.fixture(scope="module")
def made() -> Sample:
    return simulation.sample()


def test_what_is_promised_of_it(made: Sample) -> None:
    assert (made.noisy.axes, made.noisy.shape, made.noisy.dtype) == ("TYX", (100, 256, 256), np.uint16)
    assert (made.clean.axes, made.clean.shape, made.clean.dtype) == ("YX", (256, 256), np.float32)
    assert made.noisy.meta.name == "Sample (simulated)"
    assert dict(made.noisy.meta.spacing) == {"X": 0.1, "Y": 0.1, "T": 0.1}
    assert made.noisy.meta.findings[0].kind is kinds.SAMPLE


def test_same_seed_same_pixels(made: Sample) -> None:
    again, other = simulation.sample(frames=3), simulation.sample(seed=1, frames=1)
    np.testing.assert_array_equal(again.noisy.read(), made.noisy.read()[:3])
    np.testing.assert_array_equal(again.clean.read(), made.clean.read())
    assert not np.array_equal(other.clean.read(), made.clean.read())


def test_counts_are_on_the_noise_model(made: Sample) -> None:
    """Means equal the ground truth; the variance is gain² (photons + read noise²) plus 1/12 for rounding."""
    frames, clean = made.noisy.read().astype(np.float64), made.clean.read().astype(np.float64)
    camera = Camera()
    photons = (clean - camera.offset) / camera.gain
    variance = camera.gain**2 * (photons + camera.read_noise**2) + 1 / 12
    z = (frames.mean(axis=0) - clean) / np.sqrt(variance / len(frames))
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1, abs=0.02)
    assert np.mean(frames.var(axis=0, ddof=1) / variance) == pytest.approx(1, abs=0.005)
    neighbours = (frames - clean)[:20]
    assert abs(stats.pearsonr(neighbours[..., 1:].ravel(), neighbours[..., :-1].ravel()).statistic) < 0.004


def test_no_light_gives_read_noise_and_much_light_is_clipped() -> None:
    rng = np.random.default_rng(0)
    dark = simulation.detect(np.zeros((64, 64)), Camera(gain=10, offset=500, read_noise=2), 20, rng)
    assert dark.mean() == pytest.approx(500, abs=0.5)
    assert dark.std() == pytest.approx(20, abs=0.3)
    assert simulation.detect(np.full((4, 4), 1e6), Camera(), 1, rng).min() == 65535


def test_structures_are_dim_and_denoising_matters(made: Sample) -> None:
    frame, clean = made.noisy.plane(T=0).astype(np.float64), made.clean.read()
    photons = (clean - Camera().offset) / Camera().gain
    assert 5 < np.percentile(photons, 80) < np.percentile(photons, 99.5) < 25
    raw = measure(frame, clean)["psnr"]
    best = max(measure(ndimage.gaussian_filter(frame, sigma), clean)["psnr"] for sigma in (0.8, 1.0, 1.2))
    assert 18 < raw < 22
    assert best > raw + 7


def test_the_mean_of_its_frames_is_close_to_the_truth(made: Sample) -> None:
    mean = mean_of_frames(made.noisy)
    assert len(mean.meta.findings) == 1, "a static scene must not be called moving"
    gain = (
        measure(mean.read(), made.clean.read())["psnr"]
        - measure(made.noisy.plane(), made.clean.read())["psnr"]
    )
    assert gain == pytest.approx(20, abs=0.3), "the mean of 100 frames has a hundredth of the variance"


@pytest.mark.parametrize("shape", [(40, 90), (16, 16), (3, 5)])
def test_any_shape_will_do(shape: tuple[int, int]) -> None:
    small = simulation.sample(seed=3, frames=2, shape=shape)
    assert small.noisy.shape == (2, *shape)
    assert np.isfinite(small.clean.read()).all()
    assert small.clean.read().min() >= Camera().offset


def test_splat_keeps_light_and_its_centre() -> None:
    rng = np.random.default_rng(4)
    y, x, weight = rng.uniform(2, 13, 50), rng.uniform(2, 17, 50), rng.uniform(0, 3, 50)
    image = simulation.splat((16, 20), y, x, weight)
    assert image.sum() == pytest.approx(weight.sum())
    centre = ndimage.center_of_mass(image)
    assert centre == pytest.approx((np.average(y, weights=weight), np.average(x, weights=weight)))
    assert simulation.splat((4, 4), np.array([-3.0]), np.array([9.0]), np.array([1.0])).sum() == 0


def test_optics_keep_light() -> None:
    light = np.zeros((64, 64))
    light[30, 33] = 100
    assert focus_and_haze(light).sum() == pytest.approx(100)
    np.testing.assert_allclose(focus_and_haze(np.full((20, 20), 3.0)), 3.0)


def test_the_real_sample_is_a_crop_of_the_published_frame() -> None:
    crop = tifffile.imread(FOLDER / "samples" / "convallaria.tif")
    assert (crop.shape, crop.dtype) == ((512, 512), np.uint16)
    assert "CC BY 4.0" in (FOLDER / "samples" / "ATTRIBUTION.md").read_text(encoding="utf-8")
    if DATA.exists():
        whole = tifffile.imread(DATA / "stacks" / "convallaria_one_frame.tif")
        np.testing.assert_array_equal(crop, whole[390:902, 170:682])
