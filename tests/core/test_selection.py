"""Leaving frames out reads what numpy's delete keeps."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import open_stack, save_stack
from core.findings import kinds
from core.selection import leave_out
from core.stack import Stack

PIXELS = np.random.default_rng(0).integers(0, 999, (7, 3, 5, 6)).astype(np.uint16)


@pytest.mark.parametrize(("axis", "indices"), [("T", (0,)), ("T", (2, 3, 6)), ("T", (1, 3, 5)), ("Z", (1,))])
def test_the_rest_is_read(axis, indices):
    stack = Stack.of(PIXELS, "TZYX", labels=("a",) * 21)
    rest = leave_out(stack, axis, indices)
    truth = np.delete(PIXELS, indices, axis=0 if axis == "T" else 1)
    assert np.array_equal(rest.read(), truth)
    part = rest.region(**{axis: slice(1, 4), "X": slice(2, 4)})
    assert np.array_equal(rest.read(part), truth[part])
    assert rest.meta.labels == ()
    assert [finding.kind for finding in rest.meta.findings] == [kinds.FRAMES_LEFT_OUT]


def test_it_is_written_like_any_stack(tmp_path):
    rest = leave_out(Stack.of(PIXELS, "TZYX"), "T", (0, 4))
    for name in ("rest.tif", "rest.ome.tif"):
        save_stack(tmp_path / name, rest)
        assert np.array_equal(open_stack(tmp_path / name).read(), np.delete(PIXELS, (0, 4), axis=0))


@pytest.mark.parametrize(
    ("axis", "indices", "words"),
    [
        ("T", (7,), "number 8 does not exist"),
        ("T", range(7), "would be empty"),
        ("C", (0,), "no axis of channel"),
    ],
)
def test_what_cannot_be_left_out_is_refused(axis, indices, words):
    with pytest.raises(QuietfieldError, match=words):
        leave_out(Stack.of(PIXELS, "TZYX"), axis, tuple(indices))


def test_nothing_left_out_is_the_same_stack():
    stack = Stack.of(PIXELS, "TZYX")
    assert leave_out(stack, "T", ()) is stack
