"""Point spread functions from simulated beads, whose width is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import save_stack
from core.progress import Context
from core.psf.beads import psf_from_beads
from core.psf.diameter import form_factor, without_diameter
from core.psf.request import parse, resolve
from core.psf.value import FWHM, gaussian, measure_fwhm
from core.stack import Stack


def beads(
    sigmas: tuple[float, ...], shape: tuple[int, ...] = (160, 160), count: int = 25, peak: float = 800.0,
    seed: int = 0, distance: float = 12.0,
) -> np.ndarray:  # fmt: skip
    """Beads at random places between pixels, with a background of 20 photons and Poisson noise."""
    rng = np.random.default_rng(seed)
    grids = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    light, centres = np.full(shape, 20.0), np.empty((0, 2))
    for _ in range(10000):
        at = rng.uniform(0, shape[-2:])
        if len(centres) == count:
            break
        if len(centres) and np.hypot(*(centres - at).T).min() < distance:
            continue
        centres = np.vstack([centres, at])
        whole = (*([shape[0] / 2 + rng.uniform(-1, 1)] if len(shape) == 3 else []), *at)
        far = sum(((g - c) / s) ** 2 for g, c, s in zip(grids, whole, sigmas, strict=True))
        light += peak * rng.uniform(0.8, 1.2) * np.exp(-far / 2)
    return rng.poisson(light).astype(np.uint16)


@pytest.mark.parametrize("sigma", [0.9, 1.3, 2.2])
def test_the_width_of_beads_is_recovered(sigma: float) -> None:
    image = beads((sigma, 1.2 * sigma), distance=16.0)
    psf = psf_from_beads(Stack.of(image, "YX", spacing={"X": 0.1, "Y": 0.1}))
    assert psf.fwhm["Y"] == pytest.approx(FWHM * sigma, rel=0.05)
    assert psf.fwhm["X"] == pytest.approx(FWHM * 1.2 * sigma, rel=0.05)
    assert psf.facts["beads"] >= 5
    expected = gaussian(sigma, 1.2 * sigma).kernel
    (r, c), (y, x) = psf.radius, (n // 2 for n in expected.shape)
    inner = expected[y - 2 : y + 3, x - 2 : x + 3]
    found = psf.kernel[r - 2 : r + 3, c - 2 : c + 3]
    np.testing.assert_allclose(found, inner, atol=0.06 * inner.max())


def test_beads_in_a_volume() -> None:
    image = beads((2.5, 1.4, 1.4), (21, 120, 120), count=10, distance=20.0)
    psf = psf_from_beads(Stack.of(image, "ZYX", spacing={"X": 0.1, "Y": 0.1, "Z": 0.3}))
    assert psf.axes == "ZYX"
    for axis, sigma in zip("ZYX", (2.5, 1.4, 1.4), strict=True):
        assert psf.fwhm[axis] == pytest.approx(FWHM * sigma, rel=0.05)


def test_beads_are_resampled_to_the_pixels_of_the_stack(tmp_path: Path) -> None:
    image = Stack.of(beads((2.6, 2.6), distance=20.0), "YX", spacing={"X": 0.05, "Y": 0.05}, unit="µm")
    path = save_stack(tmp_path / "beads.tif", image).path
    stack = Stack.of(np.zeros((64, 64)), "YX", spacing={"X": 0.1, "Y": 0.1})
    psf = resolve(f"beads:{path}", stack, Context())
    # larger pixels average over (2^2 - 1) / 12 square pixels more
    assert psf.fwhm["X"] == pytest.approx(FWHM * np.sqrt(2.6**2 + 0.25) / 2, rel=0.05)
    assert psf.spacing["X"] == 0.1
    assert psf.source == "beads"
    wrong = Stack.of(np.zeros((64, 64)), "YX", spacing={"X": 5.0, "Y": 5.0})
    with pytest.raises(QuietfieldError, match="Correct the pixel size"):
        resolve(f"beads:{path}", wrong, Context())
    narrow = Stack.of(beads((0.6, 0.6)), "YX", spacing={"X": 0.2, "Y": 0.2})
    with pytest.raises(QuietfieldError, match="too few to compute other pixels"):
        psf_from_beads(narrow, {"X": 0.1, "Y": 0.1})


def test_what_is_no_image_of_beads_is_refused_in_a_sentence() -> None:
    rng = np.random.default_rng(0)
    saturated = np.minimum(beads((1.5, 1.5)), 300).astype(np.uint16)
    cases = (
        (rng.poisson(20.0, (80, 80)), "No beads"),
        (np.full((80, 80), 3), "No beads"),
        (np.ones((8, 8)), "too few for beads"),
        (np.full((80, 80), np.nan), "not finite"),
        (beads((1.5, 1.5), count=2, distance=60), "at least 3 are needed"),
        (saturated, "saturated"),
        (beads((2.0, 2.0), (80, 80), count=60, distance=5.0), "close to others"),
    )
    for image, words in cases:
        with pytest.raises(QuietfieldError, match=words):
            psf_from_beads(Stack.of(np.asarray(image, np.float32), "YX", name="it.tif"))


def balls(sigma: float, radius: float, count: int = 16, peak: float = 3000.0, seed: int = 3) -> np.ndarray:
    """Beads of a radius in pixels: the image of a Gaussian PSF, summed over points in a ball."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (4000, 3))
    inside = radius * points[(points**2).sum(1) <= 1][:, 1:]
    rows, columns = np.meshgrid(np.arange(128.0), np.arange(128.0), indexing="ij")
    light, side = np.full((128, 128), 20.0), int(np.sqrt(count))
    for number in range(count):
        centre = 16 + 32 * np.array(divmod(number, side)) + rng.uniform(-0.5, 0.5, 2)
        part = tuple(slice(int(c) - 15, int(c) + 16) for c in centre)
        near = np.zeros((31, 31))
        for down, across in inside[:1500] + centre:
            far = (rows[part] - down) ** 2 + (columns[part] - across) ** 2
            near += np.exp(-far / (2 * sigma**2))
        light[part] += peak * near / near.max()
    return rng.poisson(light).astype(np.uint16)


def test_the_diameter_of_beads_is_removed(tmp_path: Path) -> None:
    """A ball has the variance d^2 / 20 along each axis, which adds to that of the PSF."""
    image = Stack.of(balls(1.4, 1.6), "YX", spacing={"X": 0.1, "Y": 0.1}, unit="µm", name="balls")
    seen = psf_from_beads(image)
    assert seen.fwhm["X"] == pytest.approx(FWHM * np.sqrt(1.4**2 + 3.2**2 / 20), rel=0.03)
    path = save_stack(tmp_path / "beads, big.tif", image).path
    request = f"beads:diameter=0.32,{path}"
    psf = resolve(request, image, Context())
    assert psf.fwhm["X"] == pytest.approx(FWHM * 1.4, rel=0.03)
    assert psf.fwhm["Y"] == pytest.approx(FWHM * 1.4, rel=0.03)
    assert psf.facts["diameter"] == 0.32
    assert psf.request == request
    expected = gaussian(1.4).kernel
    (r, c), (y, x) = psf.radius, (n // 2 for n in expected.shape)
    found = psf.kernel[r - 3 : r + 4, c - 3 : c + 4]
    inner = expected[y - 3 : y + 4, x - 3 : x + 4]
    np.testing.assert_allclose(found, inner, atol=0.05 * inner.max())


def test_the_diameter_is_removed_from_a_volume_exactly() -> None:
    """Without noise, a Gaussian blurred by a ball comes back to the Gaussian."""
    shape, spacing = (25, 31, 31), (0.25, 0.1, 0.1)
    grids = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij", sparse=True)
    point = np.exp(-sum((g / s) ** 2 for g, s in zip(grids, (2.2, 1.5, 1.5), strict=True)) / 2)
    transform = np.fft.rfftn(np.fft.ifftshift(point)) * form_factor(shape, spacing, 0.4)
    bead = np.fft.fftshift(np.fft.irfftn(transform, shape, axes=(0, 1, 2))).clip(0)
    assert measure_fwhm(bead)["X"] > 1.1 * FWHM * 1.5
    found = without_diameter(bead, spacing, 0.4, Context())
    for axis, width in measure_fwhm(found).items():
        assert width == pytest.approx(FWHM * (2.2 if axis == "Z" else 1.5), rel=0.01)
    assert found.sum() == pytest.approx(bead.sum(), rel=1e-3)


def test_the_form_factor_is_that_of_a_ball() -> None:
    """Its curvature at 0 is -4 pi^2 times the variance d^2 / 20; its first zero is at q = 4.4934."""
    factor = form_factor((4001,), (0.05,), 2.0)
    step = 1 / (4001 * 0.05)
    curvature = 2 * (factor[1] - factor[0]) / step**2
    assert curvature == pytest.approx(-4 * np.pi**2 * 4 / 20, rel=1e-3)
    zero = np.flatnonzero(np.diff(np.sign(factor)))[0] + 0.5
    assert zero * step * np.pi * 2.0 == pytest.approx(4.4934, abs=0.02)


def test_a_diameter_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    image = Stack.of(beads((1.3, 1.3)), "YX", spacing={"X": 0.1, "Y": 0.1}, unit="µm", name="it.tif")
    with pytest.raises(QuietfieldError, match=r"too narrow for a diameter of 1 µm.*at most 0\.4"):
        psf_from_beads(image, diameter=1.0)
    with pytest.raises(QuietfieldError, match="must be above 0"):
        psf_from_beads(image, diameter=-0.1)
    unknown = Stack.of(beads((1.3, 1.3)), "YX", name="it.tif")
    with pytest.raises(QuietfieldError, match=r"pixel size of it.tif is unknown"):
        psf_from_beads(unknown, diameter=0.1)
    for words in ("beads:diameter=x,a.tif", "beads:diameter=0.1", "beads:diameter=-1,a.tif"):
        with pytest.raises(QuietfieldError, match="diameter"):
            parse(words)
