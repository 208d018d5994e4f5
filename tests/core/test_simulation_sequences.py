"""Simulated volumes and time lapses: reproducible, in range, static or moving, blurred by optics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core.simulation import depth, motion
from core.simulation.depth import Ellipsoids, Microscope, Points, Surface, image_planes
from core.simulation.drawing import undulation
from core.simulation.sequences import time_lapse, volume
from core.simulation.specimens import filament_network


def similarity(stack: np.ndarray) -> float:
    """Mean correlation of neighbouring planes."""
    flat = stack.reshape(len(stack), -1)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in itertools.pairwise(flat)]))


@pytest.mark.parametrize("make", [time_lapse, volume])
def test_sequences_are_reproducible_and_scaled(make: object) -> None:
    for seed in range(12):
        stack = make((3, seed), 4, (72, 88))  # type: ignore[operator]
        assert stack.shape == (4, 72, 88)
        assert stack.dtype == np.float32
        assert np.isfinite(stack).all()
        assert stack.min() >= 0
        assert stack.max() <= 3
        assert 0.3 < np.percentile(stack, 99.8) < 1.05
        if seed < 3:
            np.testing.assert_array_equal(stack, make((3, seed), 4, (72, 88)))  # type: ignore[operator]
    assert make(1, 1, (40, 40)).shape == (1, 40, 40)  # type: ignore[operator]


def test_a_quarter_of_time_lapses_rest_exactly_and_look_like_scenes() -> None:
    stacks = [time_lapse((1, seed), 3, (48, 48)) for seed in range(120)]
    resting = [stack for stack in stacks if (stack == stack[0]).all()]
    assert 0.15 < len(resting) / len(stacks) < 0.37
    for stack in stacks:
        assert stack.std() > 0


def test_a_resting_layer_changes_in_brightness_only() -> None:
    for seed in range(8):
        layer = motion.layer(
            filament_network, 3, (48, 48), np.zeros((3, 2)), np.random.default_rng(seed), still=1.0
        )
        first = layer[0] > 0
        for frame in layer[1:]:
            np.testing.assert_array_equal(frame > 0, first)
    moved = motion.layer(filament_network, 3, (48, 48), np.zeros((3, 2)), np.random.default_rng(0), still=0.0)
    assert similarity(moved) < 0.98


def test_a_warped_canvas_is_shifted_by_whole_pixels_exactly() -> None:
    canvas = np.random.default_rng(0).random((64, 72))
    m = motion.MARGIN
    moved = motion.warp(canvas, np.array([3.0, -5.0]), np.zeros((0, 2, 32, 40)), np.zeros(0))
    np.testing.assert_allclose(moved, canvas[m - 3 : m + 29, m + 5 : m + 45])
    field = np.zeros((1, 2, 32, 40))
    field[0, 1] = 2.0
    moved = motion.warp(canvas, np.zeros(2), field, np.array([0.5]))
    np.testing.assert_allclose(moved, canvas[m : m + 32, m - 1 : m + 39])


def test_drift_is_smooth_and_bounded() -> None:
    for seed in range(20):
        path = motion.drift(40, np.random.default_rng(seed))
        assert np.ptp(path, axis=0).max() <= 2 * motion.MARGIN + 1e-9
        assert np.abs(np.diff(path, 2, axis=0)).max() < 0.3 * np.abs(np.diff(path, axis=0)).max() + 1e-9


def test_a_swarm_moves_with_its_speed() -> None:
    """The mean square displacement of a lone swimming body is found again by its centre of light."""
    found = []
    for seed in range(30):
        stack = motion.swarm(5, (96, 96), np.zeros((5, 2)), np.random.default_rng(seed))
        assert stack.shape == (5, 96, 96)
        assert stack.min() >= 0
        found.append(similarity(stack + 1e-6 * np.random.default_rng(0).random(stack.shape)))
    assert min(found) < 0.2
    assert max(found) > 0.6


def test_out_of_focus_light_is_kept_by_a_widefield_and_lost_by_a_confocal_microscope() -> None:
    """A bead: widefield planes hold the same light spread wider; a confocal one loses it."""

    class Bead:
        def at(self, depth: float) -> np.ndarray:
            light = np.zeros((128, 128))
            light[64, 64] = abs(depth) < 1e-6
            return light

    planes = np.array([0.0, 1.0, 2.0])
    wide = image_planes([Bead()], planes, Microscope(width=1.0, confocal=False), (96, 96))
    np.testing.assert_allclose(wide.sum(axis=(1, 2)), 1, rtol=5e-3)
    for plane, distance in zip(wide, planes, strict=True):
        variance = 1 + (2 * distance) ** 2
        assert plane[48, 48] == pytest.approx(1 / (2 * np.pi * variance), rel=0.03)
        beside = plane[48, 48] * np.exp(-2 / variance)
        assert plane[48, 50] == pytest.approx(beside, rel=0.03)
    confocal = image_planes([Bead()], planes, Microscope(width=1.0, confocal=True), (96, 96)).sum(axis=(1, 2))
    assert confocal[0] == pytest.approx(1, rel=5e-3)
    assert confocal[1] == pytest.approx(np.exp(-0.5 / 0.42**2), rel=0.05)
    assert confocal[2] < 1e-3


@pytest.mark.parametrize("confocal", [True, False])
def test_neighbouring_planes_are_the_less_alike_the_further_apart(confocal: bool) -> None:
    found = []
    for step in (0.15, 0.8, 3.0):
        likeness = []
        for seed in range(4):
            rng = np.random.default_rng(seed)
            canvas = (96 + 2 * depth.MARGIN,) * 2
            body = Points(canvas, 8.0, rng)
            stack = image_planes(
                [body], step * np.arange(3.0), Microscope(width=1.0, confocal=confocal), (96, 96)
            )
            likeness.append(similarity(stack))
        found.append(np.mean(likeness))
    assert found[0] > 0.9
    assert found[0] > found[1] + 0.1 > found[2] + 0.1


def test_sections_through_an_ellipsoid_shrink_towards_its_poles() -> None:
    rng = np.random.default_rng(4)
    bodies = Ellipsoids((160, 160), 1.0, 5.0, rng)
    for part, middle, half, brightness in bodies.bodies[:1]:
        bodies.bodies, bodies.hollow, bodies.contrast = [(part, middle, half, brightness)], False, 0.0
    top = float(half.max())
    areas = [float((bodies.at(middle + share * top) > 0).sum()) for share in (0.0, 0.5, 0.8)]
    assert areas[0] >= areas[1] >= areas[2] > 0
    assert not bodies.at(middle + top + depth.SLAB).any()
    through = np.sum([bodies.at(z) for z in np.arange(-20, 20, depth.SLAB)], axis=0) * depth.SLAB
    np.testing.assert_allclose(through[part], 2 * half * brightness, atol=1e-9)


def test_a_surface_gives_all_its_light_once() -> None:
    rng = np.random.default_rng(0)
    light = rng.random((50, 60))
    surface = Surface(light, 6.0, rng)
    total = np.sum([surface.at(z) for z in np.arange(-40, 40, depth.SLAB)], axis=0)
    np.testing.assert_allclose(total, light, rtol=1e-9)


def test_undulations_are_smooth_and_of_unit_variance() -> None:
    rng = np.random.default_rng(0)
    fields = np.stack([undulation((64, 80), 5, rng) for _ in range(60)])
    assert fields.std() == pytest.approx(1, rel=0.1)
    assert np.abs(np.diff(fields, axis=-1)).max() < 0.4
