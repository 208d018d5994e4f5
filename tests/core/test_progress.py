"""Progress and cancellation of nested work."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.progress import Cancelled, Context


def test_parts_report_their_slice_of_the_whole() -> None:
    seen: list[tuple[float, str]] = []
    context = Context(lambda fraction, text: seen.append((fraction, text)))
    part = context.part(0.2, 0.8)
    part.step(0.0, "a")
    part.part(0.5, 1.0).step(0.5, "b")
    part.step(1.0)
    context.step(1.0)
    assert seen == [
        (pytest.approx(0.2), "a"), (pytest.approx(0.65), "b"), (pytest.approx(0.8), ""), (1.0, ""),
    ]  # fmt: skip


@given(fractions=st.lists(st.floats(-5, 5), min_size=1), start=st.floats(0, 1), stop=st.floats(0, 1))
def test_a_part_never_reports_outside_its_slice(fractions: list[float], start: float, stop: float) -> None:
    start, stop = sorted((start, stop))
    seen: list[float] = []
    part = Context(lambda fraction, text: seen.append(fraction)).part(start, stop)
    for fraction in fractions:
        part.step(fraction)
    assert all(start - 1e-12 <= f <= stop + 1e-12 for f in seen)


def test_cancelling_stops_all_parts() -> None:
    context = Context()
    part, silent = context.part(0, 0.5), context.silent()
    assert not part.cancelled
    context.cancel()
    for each in (context, part, silent, part.silent(), silent.part(0, 1)):
        assert each.cancelled
        with pytest.raises(Cancelled):
            each.step(0.5)


def test_cancelling_a_part_stops_the_whole() -> None:
    context = Context()
    context.part(0, 0.5).cancel()
    assert context.cancelled


def test_threads_can_be_stopped_without_the_work_they_belong_to() -> None:
    context = Context()
    silent = context.silent()
    silent.cancel()
    assert silent.cancelled
    assert silent.part(0, 1).cancelled
    assert not context.cancelled


def test_silent_reports_nothing() -> None:
    seen: list[float] = []
    silent = Context(lambda fraction, text: seen.append(fraction)).silent()
    silent.step(0.5)
    silent.part(0, 1).step(1)
    assert not seen


def test_cancelling_from_another_thread() -> None:
    context = Context()
    thread = threading.Thread(target=context.cancel)
    thread.start()
    thread.join()
    with pytest.raises(Cancelled):
        context.check()
