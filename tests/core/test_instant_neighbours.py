"""Instant with neighbouring planes and frames, and the error it expects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import QuietfieldError
from core.instant.constants import OFFSETS, beside
from core.instant.method import Instant
from core.methods.apply import apply, blocks, evaluate
from core.methods.base import Block
from core.methods.outputs import EXPECTED_ERROR, RESULT
from core.noise.transform import Stabiliser
from core.progress import Context
from core.stack import Stack
from tests.core.test_instant import frames, noise, with_noise

BOTH = (RESULT, EXPECTED_ERROR)


@given(count=st.integers(2, 12), data=st.data())
def test_neighbours_are_near_and_others(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    found = beside(index, count)
    assert len(found) == len(OFFSETS)
    assert index not in found
    assert all(0 <= other < count and abs(other - index) <= 2 for other in found)
    if 2 <= index < count - 2:
        assert found == tuple(index + offset for offset in OFFSETS)


def test_at_the_ends_the_other_side_stands_in() -> None:
    assert beside(0, 5) == (2, 1, 1, 2)
    assert beside(1, 5) == (3, 0, 2, 3)
    assert beside(4, 5) == (2, 3, 3, 2)
    assert beside(0, 2) == (1, 1, 1, 1)
    with pytest.raises(ValueError, match="no neighbours"):
        beside(0, 1)


@pytest.mark.parametrize("along", ["T", "Z"])
def test_a_plane_by_itself_gives_the_same_as_in_the_whole_stack(along: str) -> None:
    stack = Stack.of(frames(6, 80, 96), f"{along}YX")
    operation = with_noise(noise(1, 2), along=along, outputs=BOTH)
    whole = [one.read() for one in apply(stack, operation)]
    assert len(whole) == 2
    for index in (0, 1, 3, 5):
        part = (slice(index, index + 1), slice(None), slice(None))
        found = evaluate(stack, operation, stack.region(**{along: index}))
        for one, all_of_it in zip(found, whole, strict=True):
            np.testing.assert_allclose(one, all_of_it[part], atol=1e-3)


def test_what_is_beside_matters_and_what_is_farther_does_not() -> None:
    pixels = frames(8, 80, 96)
    operation, region = with_noise(noise(1, 2), along="T"), (slice(3, 4), slice(0, 80), slice(0, 96))
    before = evaluate(Stack.of(pixels, "TYX"), operation, region)[0]
    far, near = pixels.copy(), pixels.copy()
    far[[0, 6, 7]] = 900
    near[5, :40] = 900
    np.testing.assert_array_equal(evaluate(Stack.of(far, "TYX"), operation, region)[0], before)
    assert np.abs(evaluate(Stack.of(near, "TYX"), operation, region)[0] - before).max() > 1


def test_only_what_is_kept_is_computed() -> None:
    pixels = frames(5, 80, 96).astype(np.float32)
    kept = (slice(2, 3), slice(0, 80), slice(0, 96))
    block = Block(pixels=pixels, axes="TYX", origin=(0, 0, 0), shape=pixels.shape, kept=kept)
    found = with_noise(noise(1, 2), along="T").compute(block, Context())[0]
    assert np.all(found[[0, 1, 3, 4]] == 0)
    np.testing.assert_array_equal(
        found[kept], evaluate(Stack.of(pixels, "TYX"), with_noise(noise(1, 2), along="T"), kept)[0]
    )


def test_long_stacks_are_cut_into_blocks_of_few_planes() -> None:
    stack = Stack.of(np.broadcast_to(np.uint16(0), (60, 2048, 2048)), "TYX")
    parts = list(blocks(stack, with_noise(noise(1, 2), along="T")))
    assert all(part[0].stop - part[0].start <= 8 for part in parts)
    assert sum(part[0].stop - part[0].start for part in parts) == 60


def test_a_stack_without_such_neighbours_is_refused_and_a_single_frame_is_not() -> None:
    stack = Stack.of(frames(1, 80, 96), "TYX")
    with pytest.raises(QuietfieldError, match=r"depth \(Z\).*does not have"):
        evaluate(stack, Instant(neighbours="Z"))
    alone = evaluate(stack, with_noise(noise(1, 2)))[0]
    np.testing.assert_array_equal(evaluate(stack, with_noise(noise(1, 2), along="T"))[0], alone)


def test_the_expected_error_is_a_result_of_its_own() -> None:
    assert [output.name for output in Instant().outputs] == ["result"]
    assert [output.name for output in Instant(uncertainty=True).outputs] == ["result", "expected error"]


@pytest.mark.parametrize("gain", [2.0, 0.0])
def test_errors_are_those_of_the_inverse_transform(gain: float) -> None:
    """Against many draws of an error, at one value."""
    stabiliser, rng = Stabiliser(gain=gain, constant=9.0), np.random.default_rng(0)
    for value, error in ((12.0, 0.5), (5.0, 1.0)):
        real = stabiliser.inverse(value + error * rng.standard_normal(400_000)) - stabiliser.inverse(value)
        expected = float(stabiliser.error(value, error))
        assert expected == pytest.approx(float(np.sqrt(np.mean(real**2))), rel=0.01)


def test_without_the_network_the_error_is_that_of_the_noise() -> None:
    """With a strength of 0 the result is the recorded image, and its error the noise."""
    stack = Stack.of(frames(1, 80, 96)[0], "YX")
    known = noise(1.0, 2.0)
    denoised = evaluate(stack, with_noise(known))[0]
    error = evaluate(stack, with_noise(known, strength=0.0, outputs=BOTH))[1]
    np.testing.assert_allclose(error, np.sqrt(known.model.variance(denoised)), rtol=1e-3)


@pytest.mark.parametrize("gain", [1.0, 0.0])
def test_where_there_is_no_number_no_error_is_expected(gain: float) -> None:
    """Whether there is noise or none."""
    pixels = frames(1, 80, 96)[0].astype(np.float32)
    pixels[3, :3] = np.nan, np.inf, -np.inf
    result, error = evaluate(Stack.of(pixels, "YX"), with_noise(noise(gain, 0.0), outputs=BOTH))
    np.testing.assert_array_equal(result[3, :3], pixels[3, :3])
    np.testing.assert_array_equal(np.isnan(error), ~np.isfinite(pixels))
    assert np.nanmin(error) >= 0
