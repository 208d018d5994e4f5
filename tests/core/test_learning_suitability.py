"""Comparison of a network with the pixels it is applied to."""

from __future__ import annotations

import numpy as np
import pytest

from core.findings import Finding, kinds
from core.learning.data import Normalisation
from core.learning.methods import Noise2Void
from core.learning.model import Model
from core.learning.network import initial
from core.progress import Context
from core.stack import Stack

NOISE = np.random.default_rng(0).standard_normal((5, 64, 64))


def found(
    stack: Stack, mean: tuple[float, ...] = (400.0,), std: tuple[float, ...] = (20.0,)
) -> list[Finding]:
    """Findings of a trained network, one channel after the other."""
    known = Normalisation(offset=100.0, mean=mean, std=std, fill=0.0)
    method = Noise2Void(width=4, depth=2)
    weights = initial(method.architecture(), 0).state_dict()
    operation = (
        Model(method=method, weights=weights, normalisation=known).prediction("cpu").bind(stack, Context())
    )
    places = [{"C": channel} for channel in range(stack.sizes["C"])] if "C" in stack.axes else [{}]
    times = {"T": 0} if "T" in stack.axes else {}
    return [finding for at in places for finding in operation.findings(stack, stack.region(**times, **at))]


@pytest.mark.parametrize(
    ("mean", "std", "warned"),
    [(500, 20, False), (500, 90, False), (590, 20, False), (500, 4.5, False),
     (500, 110, True), (500, 3.5, True), (610, 20, True), (390, 20, True)],
)  # fmt: skip
def test_far_means_five_times(mean: float, std: float, warned: bool) -> None:
    findings = found(Stack.of(mean + std * NOISE, "TYX", name="cells.tif"))
    assert [finding.kind for finding in findings] == [kinds.UNLIKE_TRAINING] * warned
    if warned:
        assert "mean 500 and standard deviation 20; cells.tif has" in findings[0].text


def test_channels_are_compared_one_by_one() -> None:
    both = np.stack([500 + 20 * NOISE, 5000 + 300 * NOISE], axis=1)
    stack = Stack.of(both, "TCYX", name="two.tif")
    assert found(stack, (400.0, 4900.0), (20.0, 300.0)) == []
    for mean, std, channel in ((400.0, 20.0, 2), (4900.0, 300.0, 1)):
        (finding,) = found(stack, (mean,), (std,))
        assert finding.details["where"] == f"channel {channel} of two.tif"


def test_pixels_that_are_no_numbers_do_not_count() -> None:
    holes = 500 + 20 * NOISE
    holes[:, ::2] = np.nan
    for stack in (Stack.of(holes, "TYX"), Stack.of(np.full((4, 4), np.nan), "YX")):
        assert [finding.kind for finding in found(stack)] == [kinds.PIXELS_UNRECORDED]
