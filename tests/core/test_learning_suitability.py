"""Comparison of a network with the pixels it is applied to."""

from __future__ import annotations

import numpy as np
import pytest

from core.learning.data import Normalisation
from core.learning.methods import Noise2Void
from core.learning.model import Model
from core.stack import Stack

NOISE = np.random.default_rng(0).standard_normal((5, 64, 64))


def model(mean: tuple[float, ...] = (400.0,), std: tuple[float, ...] = (20.0,)) -> Model:
    known = Normalisation(offset=100.0, mean=mean, std=std, fill=0.0)
    return Model(method=Noise2Void(), weights={}, normalisation=known)


@pytest.mark.parametrize(
    ("mean", "std", "warned"),
    [(500, 20, False), (500, 90, False), (590, 20, False), (500, 4.5, False),
     (500, 110, True), (500, 3.5, True), (610, 20, True), (390, 20, True)],
)  # fmt: skip
def test_far_means_five_times(mean: float, std: float, warned: bool) -> None:
    words = model().unlike(Stack.of(mean + std * NOISE, "TYX", name="cells.tif"))
    assert bool(words) == warned
    if warned:
        assert "mean 500 and standard deviation 20; cells.tif has" in words


def test_channels_are_compared_one_by_one() -> None:
    both = np.stack([500 + 20 * NOISE, 5000 + 300 * NOISE], axis=1)
    stack = Stack.of(both, "TCYX", name="two.tif")
    assert not model((400.0, 4900.0), (20.0, 300.0)).unlike(stack)
    assert "channel 2 of two.tif" in model((400.0, 400.0), (20.0, 20.0)).unlike(stack)
    assert "channel 1 of two.tif" in model((4900.0,), (300.0,)).unlike(stack)


def test_pixels_that_are_no_numbers_do_not_count() -> None:
    holes = 500 + 20 * NOISE
    holes[:, ::2] = np.nan
    assert not model().unlike(Stack.of(holes, "TYX"))
    assert not model().unlike(Stack.of(np.full((4, 4), np.nan), "YX"))
