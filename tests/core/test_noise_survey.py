"""The survey of a stack: measured once, by one thread, and right where scenes rest, fade, move or differ."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import QuietfieldError
from core.noise.models import PoissonGaussian
from core.noise.survey import Survey
from core.progress import Cancelled, Context
from core.simulation import specimen
from core.stack import ArraySource, Pixels, Region, Stack

CAMERA = PoissonGaussian.camera(gain=2.5, offset=100.0, read_noise=4.0)
LIGHT = 100 + 2.5 * 4 * ndimage.gaussian_filter(specimen((256, 256), np.random.default_rng(3)), 1.2)
"""Mean counts of about 20 to 80 photons in the structures."""


def recorded(means: NDArray[np.float64], seed: int = 0) -> NDArray[np.uint16]:
    return np.rint(CAMERA.sample(means, np.random.default_rng(seed))).astype(np.uint16)


def shots(count: int = 12) -> NDArray[np.uint16]:
    return recorded(np.repeat(LIGHT[None], count, axis=0))


def bleached(count: int = 40) -> NDArray[np.uint16]:
    """Frames that lose three quarters of their light."""
    light = np.exp(-1.4 * np.arange(count) / count)[:, None, None]
    return recorded(100 + (LIGHT - 100) * light)


def drifting(count: int = 20) -> NDArray[np.uint16]:
    """Frames that move by a quarter of a pixel from each to the next."""
    canvas = np.pad(LIGHT, 8, mode="reflect")
    moved = [ndimage.shift(canvas, (0.25 * t, 0), order=1)[8:-8, 8:-8] for t in range(count)]
    return recorded(np.stack(moved))


@dataclass(frozen=True)
class Counted:
    """A source that counts how often it is read."""

    source: ArraySource
    reads: list[Region] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.source.dtype

    def read(self, region: Region) -> Pixels:
        self.reads.append(region)
        return self.source.read(region)


def counted(axes: str = "TYX") -> tuple[Stack, list[Region]]:
    source = Counted(ArraySource(shots(6)))
    return Stack(source, axes), source.reads


MEASUREMENTS: dict[str, Callable[[Survey], object]] = {
    "noise": lambda survey: survey.noise(),
    "shared noise": lambda survey: survey.shared_noise("T"),
    "still": lambda survey: survey.stands_still(),
}


@pytest.mark.parametrize("measure", MEASUREMENTS.values(), ids=MEASUREMENTS)
def test_everything_is_measured_once_by_whoever_asks_first(measure: Callable[[Survey], object]) -> None:
    alone, once = counted()
    measure(Survey.of(alone))
    stack, reads = counted()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: measure(Survey.of(stack)), range(16)))
    assert all(one == found[0] for one in found)
    measure(Survey.of(stack.replace(name="the same pixels")))
    assert reads == once != []


def test_regions_and_other_axes_are_surveyed_anew() -> None:
    stack, reads = counted()
    known = Survey.of(stack)
    assert Survey.of(stack) is known
    assert Survey.of(stack.replace(name="another")) is known
    assert Survey.of(stack.crop(stack.region(T=0))) is not known
    assert Survey.of(Stack(stack.source, "ZYX", stack.meta)) is not known
    assert not reads


def test_a_stack_is_freed_and_pickled_without_its_survey() -> None:
    stack = Stack.of(shots(3), "TYX", name="shots")
    noise = Survey.of(stack).noise()
    other = pickle.loads(pickle.dumps(stack))
    assert (other.axes, other.meta.name) == ("TYX", "shots")
    np.testing.assert_array_equal(other.read(), stack.read())
    assert Survey.of(other).noise() == noise
    pixels = shots(3)
    alive, stack = weakref.ref(pixels), Stack.of(pixels, "TYX")
    Survey.of(stack).noise()
    del stack, pixels
    assert alive() is None


def test_cancelling_leaves_the_measurement_to_the_next() -> None:
    stack = Stack.of(shots(3), "TYX")
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        Survey.of(stack).noise(context)
    assert Survey.of(stack).noise(Context()).channels[0].method == "frames"


@pytest.mark.parametrize("make", [shots, bleached, drifting])
def test_the_gain_of_scenes_that_rest_fade_or_drift(make: Callable[[], NDArray[np.uint16]]) -> None:
    noise = Survey.of(Stack.of(make(), "TYX")).noise()
    (found,) = noise.channels
    assert found.method == "frames"
    assert not noise.each_plane
    assert found.model.gain == pytest.approx(2.5, rel=0.03)
    for mean in (120.0, 150.0, 200.0):
        assert float(found.model.variance(mean)) == pytest.approx(float(CAMERA.variance(mean)), rel=0.05)


def test_scenes_that_stand_still_are_told_from_others() -> None:
    assert Survey.of(Stack.of(shots(), "TYX")).stands_still()
    assert Survey.of(Stack.of(bleached(), "TYX")).stands_still()
    assert not Survey.of(Stack.of(drifting(), "TYX")).stands_still()
    assert not Survey.of(Stack.of(shots(), "ZYX")).stands_still()
    both = np.stack([shots(), drifting(12)], axis=1)
    assert not Survey.of(Stack.of(both, "TCYX")).stands_still()


def test_frames_in_depth_and_repeats_at_every_depth() -> None:
    """Planes of a volume are not taken for frames of one scene; repeats at one depth are."""
    volume = np.stack([np.roll(LIGHT, 9 * z, axis=z % 2) for z in range(6)])
    (alone,) = Survey.of(Stack.of(recorded(volume), "ZYX")).noise().channels
    assert alone.method == "plane"
    (repeats,) = Survey.of(Stack.of(recorded(np.stack([volume] * 3)), "TZYX")).noise().channels
    assert repeats.method == "frames"
    assert repeats.model.gain == pytest.approx(2.5, rel=0.05)


def test_planes_that_are_too_small() -> None:
    for shape, axes in (((11, 300), "YX"), ((3, 300, 11), "TYX")):
        with pytest.raises(QuietfieldError, match="at least 12 x 12"):
            Survey.of(Stack.of(np.zeros(shape), axes)).noise()
