"""How much better another method may be than the one that is called best."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from core.catalogue import create
from core.quality.judgement import Judgement, possible_loss
from core.work.contest import Entry
from core.work.verdict import judge_entries

BLOCKS = 64


def judged(blocks: NDArray[np.float64]) -> Judgement:
    return Judgement(blocks=blocks, modelled=-0.5, draws=1, noise=4.0, span=100.0)


def entry(name: str, blocks: NDArray[np.float64]) -> Entry:
    return Entry(method=create(name, {}), judged=judged(blocks), seconds=1.0)


def test_the_possible_loss_is_the_upper_limit_of_the_difference():
    """Blocks that differ by 0.01 +- 0.08 in turn: standard error 0.08 / sqrt(63)."""
    other = np.full(BLOCKS, 0.4)
    chosen = other + 0.01 + 0.08 * np.resize([1.0, -1.0], BLOCKS)
    limit = 0.01 + 2 * 0.08 / math.sqrt(BLOCKS - 1)
    assert possible_loss(judged(chosen), judged(other)) == pytest.approx(10 * math.log10(1 + limit / 0.4))
    assert possible_loss(judged(other - 0.1), judged(other)) == 0.0


def test_the_true_loss_exceeds_the_limit_as_rarely_as_it_says():
    """The one with the smaller estimate is chosen; the limit holds in all but 2.5 % of 2000 cases."""
    rng = np.random.default_rng(0)
    exceeded = 0
    for _ in range(2000):
        true = rng.uniform(0.3, 0.33, 2)
        scene = rng.normal(0, 0.2, BLOCKS)
        found = [judged(one + scene + rng.normal(0, 0.05, BLOCKS)) for one in true]
        chosen = int(found[1].share < found[0].share)
        loss = 10 * math.log10(true[chosen] / true[1 - chosen])
        # the level of the error, which both share, changes the decibels, not which one is better
        limit = possible_loss(found[chosen], found[1 - chosen]) * found[1 - chosen].share / true[1 - chosen]
        exceeded += loss > limit
    assert exceeded / 2000 <= 0.025


def test_the_verdict_tells_what_the_choice_may_lose():
    flat = np.full(BLOCKS, 0.4)
    uneven = flat + 0.3 * np.resize([1.0, -1.0], BLOCKS)
    close = judge_entries([entry("gaussian", flat - 0.001), entry("box", uneven)])
    assert not close.certain
    assert close.possible_loss > 0.1
    assert f"another one may be {close.possible_loss:.1f} dB better" in close.text
    clear = judge_entries([entry("gaussian", flat - 0.1), entry("box", flat)])
    assert clear.certain
    assert clear.possible_loss == 0.0
    assert "may be" not in clear.text
