"""Contests of methods: order, failures, memory, references of another scale, proposals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from core import catalogue
from core.findings.kinds import REFERENCE_SCALE
from core.machine import MemoryWatch
from core.methods.base import Block, BlockMethod, named
from core.progress import Context
from core.stack import Stack
from core.work.contenders import contenders, proposed, study
from core.work.contest import check_reference, contest
from tests.core.test_quality_judge import camera, stack


@named("hungry", label="Hungry")
@dataclass(frozen=True, slots=True, kw_only=True)
class Hungry(BlockMethod):
    """A filter that runs out of memory."""

    def halo(self, axes: str) -> dict[str, int]:
        return {}

    def compute(self, block: Block, context: Context) -> tuple[np.ndarray, ...]:
        raise MemoryError


def test_methods_without_training_come_first_and_memory_errors_are_rows() -> None:
    noisy, _ = camera(20)
    methods = [catalogue.create("n2v", {"seconds": 60.0}), Hungry(), catalogue.create("median", {})]
    region = stack(noisy).region(Y=slice(0, 96), X=slice(0, 96))
    entries = list(contest(stack(noisy), methods, region=region, seconds=4))
    assert [entry.method.name for entry in entries] == ["hungry", "median", "n2v"]
    hungry, median, network = entries
    assert "not enough memory for Hungry" in hungry.failure
    assert not median.failure
    assert network.result is not None
    assert network.result.model is not None
    # the time of the method is that of the training, not its default
    assert network.method.seconds < 5
    assert network.result.model.record.seconds < 6


def test_memory_is_that_of_the_work() -> None:
    with MemoryWatch() as watch:
        held = np.ones(2**28, np.uint8)  # too large for memory that the process has set aside
        held[::4096] += 1
    assert 2**28 * 0.8 < watch.peak < 2**28 * 2


@pytest.mark.parametrize(("scale", "offset", "found"), [(1, 0, False), (1.02, 5, False), (0.5, 0, True)])
def test_a_reference_of_another_scale_is_found(scale: float, offset: float, found: bool) -> None:
    noisy, truth = camera(20)
    noisy, clean = stack(noisy), stack(truth * scale + offset)
    findings = check_reference(noisy, clean, noisy.region())
    assert [finding.kind for finding in findings] == [REFERENCE_SCALE] * found
    if found:
        assert findings[0].value == pytest.approx(1 / scale, rel=0.05)


def test_an_offset_is_found_too() -> None:
    noisy, truth = camera(20)
    (finding,) = check_reference(stack(noisy), stack(truth - 100), stack(noisy).region())
    assert finding.details["offset"] == pytest.approx(100, abs=5)


def test_correlated_noise_speaks_against_blind_spots() -> None:
    noisy, truth = camera(20)
    rng = np.random.default_rng(2)
    shared = ndimage.convolve(rng.normal(0, 20, truth.shape), np.array([[1, 0.35]]))
    names = [{one.method.name: one for one in contenders(stack(image))} for image in (noisy, truth + shared)]
    assert names[0]["n2v2"].proposed
    assert not names[0]["structn2v"].proposed
    assert not names[1]["n2v2"].proposed
    assert "correlated" in names[1]["n2v2"].doubt
    assert names[1]["structn2v"].proposed
    assert all(one["instant"].proposed and one["gaussian"].proposed for one in names)
    assert "care" not in names[0]


def test_what_is_proposed_depends_on_time_and_axes() -> None:
    flat = stack(camera(20)[0])
    assert {method.group for method in proposed(flat, 0)} == {"instant", "filter"}
    assert "learned" in {method.group for method in proposed(flat, 60)}
    assert "box-3d" not in {method.name for method in proposed(flat, 60)}
    deep = Stack.of(np.stack([camera(20)[0]] * 5).astype(np.float32), "ZYX")
    assert "box-3d" in {method.name for method in proposed(deep, 0)}


def test_the_study_has_its_methods() -> None:
    made = study(stack(camera(20)[0]))
    assert [m.name for m in made][-4:] == ["n2v", "deconoising", "deconoising", "deconoising"]
    assert [m.sigma for m in made[-3:]] == [0.5, 1.0, 1.5]


def test_every_filter_for_volumes_has_a_size_that_fits():
    noisy, _ = camera(20)
    volume = Stack.of(np.stack([noisy[:96, :96]] * 3).astype(np.float32), "ZYX")
    chosen = [catalogue.create(name, {}) for name in ("median-3d", "box-3d", "gaussian-3d")]
    assert [entry.failure for entry in contest(volume, chosen)] == ["", "", ""]
