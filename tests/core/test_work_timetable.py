"""Shares of time and progress of a comparison, with a clock that the test moves."""

from __future__ import annotations

import pytest

from core.work.timetable import LEAST, Timetable


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def simulate(
    seconds: float, quick: float, beside: float, methods: tuple[int, int]
) -> tuple[float, list[float]]:
    """Return the time that a comparison takes whose methods take these times, and the training times."""
    clock = Clock()
    table = Timetable(seconds, quick=methods[0], learned=methods[1], clock=clock)
    trained, shown = [], 0.0
    for learned in [False] * methods[0] + [True] * methods[1]:
        slot = table.begin(learned=learned)
        assert shown <= slot.start <= slot.applied <= slot.stop <= 1
        shown = slot.stop
        trained += [slot.training] if learned else []
        clock.now += slot.training + beside if learned else quick
        table.end(learned=learned)
    assert shown == pytest.approx(1, abs=0.02)
    return clock.now - 100, trained


@pytest.mark.parametrize("beside", [1.0, 4.0, 6.0])
@pytest.mark.parametrize("quick", [0.3, 4.0])
def test_the_whole_comparison_takes_the_given_time(quick: float, beside: float) -> None:
    whole, trained = simulate(60, quick, beside, (4, 4))
    assert whole == pytest.approx(60, abs=1.5)
    assert sum(trained) == pytest.approx(60 - 4 * (quick + beside), abs=2)


def test_networks_are_trained_for_a_while_even_if_all_else_takes_the_whole_time() -> None:
    _, trained = simulate(20, 10.0, 5.0, (4, 2))
    assert trained == [LEAST * 10] * 2


def test_progress_is_in_proportion_to_time() -> None:
    clock = Clock()
    table = Timetable(100, quick=2, learned=2, clock=clock)
    for _ in range(2):
        table.begin(learned=False)
        clock.now += 10
        table.end(learned=False)
    slot = table.begin(learned=True)
    assert slot.start == pytest.approx(0.2, abs=0.01)
    assert slot.stop == pytest.approx(0.6, abs=0.02)


def test_without_networks_progress_follows_the_methods() -> None:
    whole, trained = simulate(0, 3.0, 0.0, (5, 0))
    assert (whole, trained) == (15.0, [])
