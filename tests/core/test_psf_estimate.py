"""The width of a PSF, estimated from pixels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from core.errors import QuietfieldError
from core.findings import psf_kinds
from core.learning.methods import DecoNoising
from core.progress import Cancelled, Context
from core.psf import gaussian
from core.psf.estimate import estimate_sigma
from core.psf.request import resolve
from core.simulation.experiment import Simulation
from core.simulation.lettering import LETTERS, page
from core.simulation.target import blurred_target
from core.stack import Stack


def target(sigma: float, photons: float = 30.0, seed: int = 7, **changes: object) -> Stack:
    settings = {"specimen": "text", "size": 160, "planes": 1, "seed": seed, "photons": photons, **changes}
    return Simulation(sigma=sigma, **settings).run().noisy


@pytest.mark.parametrize(("sigma", "photons"), [(0.7, 10.0), (1.0, 100.0), (2.0, 10.0)])
def test_the_width_is_found_on_a_page_of_text(sigma: float, photons: float) -> None:
    found = estimate_sigma(target(sigma, photons))
    assert found.sigma == pytest.approx(sigma, rel=0.12)
    assert found.error < 0.1 * sigma
    assert list(found.widths) == sorted(found.widths)
    assert min(found.losses) == 0
    assert found.psf.sigmas == pytest.approx((found.sigma, found.sigma), abs=1e-3)


def test_the_estimate_is_a_psf_that_methods_can_ask_for() -> None:
    stack = target(1.4).replace(spacing={"X": 0.2, "Y": 0.2})
    psf = resolve("estimate", stack, Context())
    assert psf.source == psf.request == "estimate"
    assert psf.spacing == {"X": 0.2, "Y": 0.2}
    assert psf == resolve("estimate", stack, Context())
    assert psf.facts["sigma"] == pytest.approx(1.4, rel=0.12)


def test_what_shows_nothing_is_refused_in_a_sentence() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(QuietfieldError, match="at least 32 x 32"):
        estimate_sigma(Stack.of(rng.poisson(5.0, (20, 40)).astype(np.float32), "YX"))
    noise, constant = rng.poisson(50.0, (96, 96)), np.full((96, 96), 7)
    for flat, words in ((noise, "the widest of all tried"), (constant, "shows nothing")):
        with pytest.raises(QuietfieldError, match=words):
            estimate_sigma(Stack.of(flat.astype(np.float32), "YX", name="flat.tif"))


def test_an_estimate_can_be_cancelled() -> None:
    stopped = Context()
    stopped.cancel()
    with pytest.raises(Cancelled):
        estimate_sigma(target(1.0), stopped)


def test_a_target_is_blurred_by_its_psf_alone() -> None:
    sharp, blurred = (blurred_target(3, (96, 96), page, sigma) for sigma in (0.8, 2.0))
    further = ndimage.gaussian_filter(sharp, np.sqrt(2.0**2 - 0.8**2))
    inner = slice(10, -10)
    scale = (further * blurred).sum() / (further**2).sum()
    np.testing.assert_allclose(scale * further[inner, inner], blurred[inner, inner], atol=0.02)
    assert gaussian(2.0).fwhm["X"] == pytest.approx(4.71, abs=0.01)


def test_simulations_with_a_known_psf() -> None:
    noisy = target(1.2, planes=2, size=64)
    assert noisy.shape == (2, 64, 64)
    assert "sigma of 1.2 px" in noisy.meta.findings[1].text
    np.testing.assert_array_equal(noisy.read(), target(1.2, planes=2, size=64).read())
    with pytest.raises(QuietfieldError, match="still frames"):
        target(1.2, kind="volume")


def test_every_letter_is_drawn_in_its_place() -> None:
    light = page((60, 200), np.random.default_rng(0), sizes=(3.0,))
    assert light.min() >= 0
    assert 0.9 < light.max() <= 1
    assert 0.1 < light.mean() < 0.4
    assert len(LETTERS) == 26


def test_an_estimate_from_soft_specimens_says_that_it_is_not_reliable() -> None:
    """The nuclei have no details as fine as the PSF: the estimate is more than 1.5 times too wide."""
    settings = {"sigma": 0.8, "photons": 30.0, "seed": 101, "size": 192, "planes": 1}
    found = []
    for specimen in ("nuclei", "vesicles"):
        stack = Simulation(specimen=specimen, **settings).run().noisy
        resolved = DecoNoising(psf="estimate").resolve(stack, Context())
        sigma = resolved.method.spread.sigmas[-1]
        unsure = [f for f in resolved.findings if f.kind == psf_kinds.PSF_UNSURE]
        found.append((sigma, unsure))
    (nuclei, unsure), (vesicles, sure) = found
    assert nuclei > 1.5 * 0.8
    assert f"sigma {nuclei:.3g} px" in unsure[0].text
    assert unsure[0].value < unsure[0].limit
    assert vesicles == pytest.approx(0.8, rel=0.2)
    assert not sure
