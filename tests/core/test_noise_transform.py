"""Generalised Anscombe transform: stabilised variance, exact round trips, unbiased inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import QuietfieldError
from core.noise.estimate import estimate
from core.noise.transform import Stabiliser

GAINS = st.floats(0.01, 100)
READS = st.floats(0.0, 10)
OFFSETS = st.floats(-1000, 1000)


def camera(gain: float, read: float, offset: float) -> Stabiliser:
    """Transform for gain in counts per photon, read noise in photons, offset in counts."""
    return Stabiliser(gain=gain, constant=gain**2 * read**2 - gain * offset)


@pytest.mark.parametrize(("gain", "read", "offset"), [(1.0, 0.0, 0.0), (4.0, 1.4, 100.0), (0.3, 3.0, -20.0)])
@pytest.mark.parametrize("photons", [3, 5, 10, 30, 100, 1000])
def test_variance_becomes_one(gain, read, offset, photons):
    draw = np.random.default_rng(photons)
    electrons = draw.poisson(photons, 200_000) + read * draw.standard_normal(200_000)
    noisy = camera(gain, read, offset).forward(offset + gain * electrons)
    tolerance = {3: 0.1, 5: 0.05}.get(photons, 0.025)
    assert noisy.var() == pytest.approx(1, abs=tolerance)


@given(gain=GAINS, read=READS, offset=OFFSETS, photons=st.floats(0, 1e5))
def test_the_algebraic_inverse_undoes_the_transform(gain, read, offset, photons):
    stabiliser = camera(gain, read, offset)
    mean = offset + gain * photons
    assert stabiliser.inverse(stabiliser.forward(mean)) == pytest.approx(
        mean, rel=1e-7, abs=1e-6 * gain + 1e-9 * abs(offset)
    )


@given(gain=GAINS, read=READS, offset=OFFSETS, values=st.lists(st.floats(-50, 1e4), min_size=2, max_size=20))
def test_inverses_are_finite_and_never_decrease(gain, read, offset, values):
    stabiliser = camera(gain, read, offset)
    for inverse in (stabiliser.inverse, stabiliser.inverse_of_mean):
        found = inverse(np.sort(values))
        assert np.isfinite(found).all()
        assert (np.diff(found) >= -1e-9 * np.abs(found).max() - 1e-12).all()


@pytest.mark.parametrize("photons", [0.0, 0.3, 1, 3, 10, 100])
@pytest.mark.parametrize("read", [0.0, 1.0])
def test_the_exact_inverse_is_unbiased_where_the_algebraic_is_not(photons, read):
    draw = np.random.default_rng(2)
    counts = 50 + 2.0 * (draw.poisson(photons, 1_000_000) + read * draw.standard_normal(1_000_000))
    stabiliser = camera(2.0, read, 50.0)
    mean = stabiliser.forward(counts).mean()
    found = float(stabiliser.inverse_of_mean(mean))
    # the closed form is good to hundredths of a photon; read noise adds to that where photons are few
    assert found == pytest.approx(50 + 2 * photons, abs=0.08 + 0.002 * photons if read == 0 else 0.35)
    if photons >= 3:
        # the algebraic inverse loses a quarter of a photon, a result of Anscombe (1948)
        assert float(stabiliser.inverse(mean)) == pytest.approx(50 + 2 * (photons - 0.25), abs=0.15)


def test_sums_of_the_poisson_law_give_the_exact_inverse():
    """The defining integral, summed: E[2 sqrt(k + 3/8)] for k of mean m is sent back to m."""
    from scipy.stats import poisson

    stabiliser = Stabiliser(gain=1.0, constant=0.0)
    for mean in (0.05, 0.5, 1.0, 2.0, 5.0, 20.0, 200.0):
        k = np.arange(0, 1000)
        expected = float(poisson.pmf(k, mean) @ stabiliser.forward(k))
        assert float(stabiliser.inverse_of_mean(expected)) == pytest.approx(mean, abs=0.03)


def test_constant_noise_is_only_scaled():
    stabiliser = Stabiliser(gain=0.0, constant=25.0)
    counts = np.array([-10.0, 0.0, 40.0])
    assert stabiliser.forward(counts) == pytest.approx(counts / 5)
    for inverse in (stabiliser.inverse, stabiliser.inverse_of_mean):
        assert inverse(counts / 5) == pytest.approx(counts)
    # and a gain that hardly matters comes to the same up to a constant
    near = Stabiliser(gain=1e-5, constant=25.0)
    assert np.diff(near.forward(counts)) == pytest.approx(np.diff(counts / 5), rel=1e-3)


@pytest.mark.parametrize(
    ("gain", "constant"), [(-1.0, 5.0), (0.0, 0.0), (0.0, -3.0), (np.nan, 1.0), (1.0, np.inf)]
)
def test_noise_that_cannot_be(gain, constant):
    with pytest.raises(QuietfieldError, match="cannot be stabilised"):
        Stabiliser(gain=gain, constant=constant)


def test_an_estimate_makes_a_transform():
    draw = np.random.default_rng(1)
    ramp = np.linspace(5, 60, 256) + np.zeros((256, 1))
    image = 100 + 3.0 * (draw.poisson(ramp) + draw.standard_normal(ramp.shape))
    stabiliser = estimate(image).model.stabiliser()
    residual = stabiliser.forward(image) - stabiliser.forward(100 + 3.0 * ramp)
    for part in np.array_split(residual, 4, axis=1):
        assert part.var() == pytest.approx(1, abs=0.06)
