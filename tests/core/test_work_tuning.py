"""The automatic choice of parameters of filters, against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from core import catalogue, params
from core.errors import QuietfieldError
from core.methods.apply import evaluate
from core.progress import Cancelled, Context
from core.quality.judge import Judge
from core.simulation import sample
from core.stack import Stack
from core.work.tuning import tunable, tune

MADE = sample(frames=3, shape=(160, 192))


def error(method) -> float:
    """True mean squared error of a filter on the first frame."""
    region = MADE.noisy.region(T=0)
    return float(np.mean((evaluate(MADE.noisy, method, region)[0][0] - MADE.clean.read()) ** 2))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(MADE.noisy, region=MADE.noisy.region(T=0))


@pytest.mark.parametrize(
    ("name", "bad"),
    [("gaussian", {"sigma": 6.0}), ("box", {"size": 21}), ("gaussian-3d", {"sigma": 5.0, "depth": 0.0})],
)
def test_the_chosen_values_are_nearly_the_best(name: str, bad: dict, judge: Judge) -> None:
    found = tune(catalogue.create(name, bad), judge).method
    chosen = tunable(found)
    grids = [p.auto for p in chosen]
    best = np.inf
    for values in np.array(np.meshgrid(*grids)).T.reshape(-1, len(grids)):
        given = {p.name: int(v) if p.kind == "int" else float(v) for p, v in zip(chosen, values, strict=True)}
        best = min(best, error(catalogue.create(name, given)))
    assert error(found) < 1.1 * best
    assert error(found) < 0.8 * error(catalogue.create(name, bad))


def test_one_parameter_is_chosen_and_the_others_stay(judge: Judge) -> None:
    method = catalogue.create("gaussian-3d", {"sigma": 5.0, "depth": 0.3})
    found = tune(method, judge, names=["sigma"])
    values = params.values(found.method)
    assert values["depth"] == 0.3
    assert values["sigma"] < 3.0
    assert list(found.tried) == sorted(found.tried)
    assert 5.0 in found.tried, "the value that was set competes too"
    assert min(one.share for one in found.tried.values()) == found.judged.share


def test_an_image_without_structure_to_lose_is_smoothed_as_far_as_possible() -> None:
    flat = np.random.default_rng(0).poisson(50, (128, 128)).astype(np.uint16)
    found = tune(catalogue.create("box", {}), Judge(Stack.of(flat, "YX"))).method
    assert params.values(found)["size"] == 11


def test_what_cannot_be_chosen_ends_in_a_sentence(judge: Judge) -> None:
    with pytest.raises(QuietfieldError, match="No parameter of Instant"):
        tune(catalogue.create("instant", {}), judge)
    with pytest.raises(QuietfieldError, match="The parameter axes of Gaussian blur"):
        tune(catalogue.create("gaussian", {}), judge, names=["axes"])
    context = Context()
    context.cancel()
    with pytest.raises(Cancelled):
        tune(catalogue.create("gaussian", {}), judge, context=context)
