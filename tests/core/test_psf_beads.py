"""Point spread functions from simulated beads, whose width is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import save_stack
from core.progress import Context
from core.psf.beads import psf_from_beads
from core.psf.request import resolve
from core.psf.value import FWHM, gaussian
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
