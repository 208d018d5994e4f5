"""Simulated experiments: consistent with the ground truth, in range, and reproducible by the seed."""

from __future__ import annotations

import numpy as np
import pytest

from core import params
from core.catalogue import methods
from core.errors import QuietfieldError
from core.progress import Cancelled, Context
from core.simulation.experiment import DETECTORS, KINDS, SPECIMENS, Simulation


@pytest.mark.parametrize("kind", KINDS)
def test_axes_and_types(kind: str) -> None:
    made = Simulation(kind=kind, specimen="filament-network", size=64, planes=4, seed=2).run()
    axis = "Z" if kind == "volume" else "T"
    assert made.noisy.axes == axis + "YX"
    assert made.noisy.shape == (4, 64, 64)
    assert made.noisy.dtype == np.uint16
    assert made.clean.axes == ("YX" if kind == "image" else made.noisy.axes)
    assert axis in made.noisy.meta.spacing
    again = Simulation(kind=kind, specimen="filament-network", size=64, planes=4, seed=2).run()
    np.testing.assert_array_equal(made.noisy.read(), again.noisy.read())
    other = Simulation(kind=kind, specimen="filament-network", size=64, planes=4, seed=3).run()
    assert (made.noisy.read() != other.noisy.read()).mean() > 0.5


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("photons", [2.0, 200.0])
def test_frames_scatter_about_the_truth(detector: str, photons: float) -> None:
    made = Simulation(detector=detector, photons=photons, size=64, planes=40, seed=1, specimen="tissue").run()
    noisy, truth = made.noisy.read().astype(float), made.clean.read().astype(float)
    error = noisy.mean(axis=0) - truth
    spread = noisy.std(axis=0).mean() / np.sqrt(40)
    assert abs(np.median(error)) < 0.5 * spread + 0.05
    assert (noisy == noisy.max()).mean() < 1e-3 or detector == "scmos"
    assert np.corrcoef(noisy.mean(axis=0).ravel(), truth.ravel())[0, 1] > 0.6


def test_fewer_photons_are_noisier() -> None:
    def relative(photons: float) -> float:
        made = Simulation(photons=photons, size=64, planes=6, specimen="nuclei").run()
        truth = made.clean.read().astype(float) - 100
        return float((made.noisy.read() - 100.0 - truth).std() / truth.std())

    assert relative(2) > 2 * relative(20) > 4 * relative(200)


@pytest.mark.parametrize("specimen", SPECIMENS)
def test_every_specimen_moves_and_has_depth(specimen: str) -> None:
    for kind in ("time-lapse", "volume"):
        light = Simulation(kind=kind, specimen=specimen, size=48, planes=3, seed=5).light()
        assert light.shape == (3, 48, 48)
        assert light.std() > 0
        assert (light[0] != light[-1]).any()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(QuietfieldError, match=r"needs about 839\.\d GB of memory"):
        Simulation(kind="volume", size=4096, planes=1000).run()
    with pytest.raises(QuietfieldError, match="specimen"):
        params.build(Simulation, {"specimen": "unicorn"})


def test_frames_of_one_image_need_little_memory() -> None:
    assert Simulation(size=1024, planes=300).needed_memory < 1e9
    for kind in ("time-lapse", "volume"):
        assert Simulation(kind=kind, size=1024, planes=300).needed_memory > 10e9


def test_it_can_be_cancelled() -> None:
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        Simulation(size=64).run(context)


def test_it_is_not_on_the_list_of_methods() -> None:
    """It makes stacks from nothing, and cannot be a step of a recipe."""
    assert Simulation not in methods()
