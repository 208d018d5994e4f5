"""Results do not depend on the unit of the pixels: of a x + b, every method gives a y + b."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import catalogue
from core.errors import QuietfieldError
from core.learning.base import Learned
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.methods.base import BlockMethod
from core.stack import Stack

FILTERS = sorted(m.name for m in catalogue.methods() if issubclass(m, BlockMethod) and m.group == "filter")
LEARNED = ("n2v", "n2v2", "structn2v", "n2v-conv", "noise2noise", "care")
LIGHT = 300 + 200 * np.sin(np.arange(64) / 6) * np.cos(np.arange(64) / 9)[:, None]
COUNTS = np.random.default_rng(0).poisson(np.broadcast_to(LIGHT, (4, 64, 64))).astype(np.float64)
SCALES = st.tuples(st.floats(1e-3, 1e4), st.floats(-1e5, 1e5))


def result(name: str, pixels: np.ndarray) -> np.ndarray:
    """Result of a method with its defaults, learned ones after a few steps."""
    stack = Stack.of(pixels, "ZYX" if name.endswith("3d") else "TYX", name="counts.tif")
    known = {"width": 8, "depth": 2, "patch": 32, "seconds": 0.0, "steps": 20, "epoch": 10}
    method = catalogue.create(name, known if name in LEARNED else {})
    if not isinstance(method, Learned):
        return evaluate(stack, method)[0].astype(np.float64)
    trainer = Trainer(
        stack,
        method,
        device="cpu",
        threads=1,
        target=stack.replace(name="clean.tif") if name == "care" else None,
    )
    for _ in trainer.run():
        pass
    return evaluate(stack, trainer.model().prediction("cpu"))[0].astype(np.float64)


def difference(name: str, factor: float, shift: float) -> float:
    """Largest difference from the scaled and shifted result, in counts, without what float32 rounds."""
    expected = result(name, COUNTS)
    found = (result(name, COUNTS * factor + shift) - shift) / factor
    rounding = 4e-7 * (np.abs(COUNTS).max() + abs(shift) / factor)
    return float(np.abs(found - expected).max() - rounding * (100 if name in LEARNED else 10))


@pytest.mark.parametrize("name", FILTERS)
@given(SCALES)
@settings(max_examples=10, deadline=None)
def test_filters(name, scale):
    factor, shift = scale
    assert difference(name, factor, shift if abs(shift) < 1e4 * factor else 0.0) < 0.01


@given(SCALES)
@settings(max_examples=10, deadline=None)
def test_instant(scale):
    factor, shift = scale
    assert difference("instant", factor, shift if abs(shift) < 1e3 * factor else 0.0) < 0.5


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize(("factor", "shift"), [(1000.0, 0.0), (0.001, 0.0), (2.0, -700.0)])
def test_learned(name, factor, shift):
    assert difference(name, factor, shift) < 5


@pytest.mark.parametrize("name", [*FILTERS, "instant"])
@pytest.mark.parametrize("exponent", [-130, -100, 100, 117])
def test_extreme_units(name, exponent):
    expected = result(name, COUNTS.astype(np.float32))
    found = result(name, np.ldexp(COUNTS, exponent).astype(np.float32))
    assert np.abs(np.ldexp(found, -exponent) - expected).max() < 0.01


@pytest.mark.parametrize("name", [*FILTERS, "instant"])
@pytest.mark.parametrize(("factor", "words"), [(1e298, "Divide"), (1e-300, "Multiply")])
def test_what_single_precision_cannot_hold_is_refused(name, factor, words):
    with pytest.raises(QuietfieldError, match=f"{words} the stack by a constant"):
        result(name, COUNTS * factor)
