from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QObject

from app.shell.jobs import Job, Jobs, Outcome
from core.errors import QuietfieldError
from core.progress import Cancelled


class Gate:
    """Work that reports its start and waits for permission to continue."""

    def __init__(self, value: Any = None, *, checks: bool = True) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self.value, self.checks = value, checks

    def __call__(self, job: Job) -> Any:
        self.started.set()
        while not self.go.wait(0.005):
            if self.checks:
                job.context.check()
        return self.value


def idle(jobs: Jobs) -> bool:
    return not jobs.running


def test_success_arrives_once_in_the_main_thread(qtbot, jobs):
    seen: list[tuple[str, Any, bool]] = []
    main = threading.current_thread()
    here = lambda: threading.current_thread() is main  # noqa: E731
    jobs.start(
        "sum",
        lambda job: sum(range(10)),
        done=lambda v: seen.append(("done", v, here())),
        end=lambda o: seen.append(("end", o.state, here())),
    )
    assert len(jobs.running) == 1
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [("done", 45, True), ("end", "succeeded", True)]
    assert idle(jobs)


def test_person_error_goes_to_failed_as_a_sentence(qtbot, jobs):
    def work(job: Job) -> None:
        raise QuietfieldError("a.tif is empty. Choose another file.")

    with qtbot.waitSignal(jobs.failed) as signal:
        jobs.start("open", work)
    label, outcome = signal.args
    assert (label, outcome.state, outcome.report) == ("open", "failed", "")
    assert str(outcome.error) == "a.tif is empty. Choose another file."


def test_too_little_memory_is_a_sentence(qtbot, jobs):
    def work(job):
        raise MemoryError

    with qtbot.waitSignal(jobs.failed) as told:
        jobs.start("Large", work)
    assert "not enough memory" in str(told.args[1].error)
    assert told.args[1].report == ""


def test_defect_has_a_traceback_and_is_told_even_when_the_starter_listens(qtbot, jobs):
    ends: list[Outcome] = []

    def work(job: Job) -> None:
        raise ZeroDivisionError("over nothing")

    with qtbot.waitSignal(jobs.failed) as signal:
        jobs.start("divide", work, end=ends.append)
    assert "ZeroDivisionError: over nothing" in signal.args[1].report
    assert [o.state for o in ends] == ["failed"]


def test_person_error_with_a_listener_is_not_told_twice(qtbot, jobs):
    ends: list[Outcome] = []
    failures: list[Any] = []
    jobs.failed.connect(lambda *a: failures.append(a))

    def work(job: Job) -> None:
        raise QuietfieldError("no")

    jobs.start("x", work, end=ends.append)
    qtbot.waitUntil(lambda: bool(ends))
    assert not failures


def test_cancel_stops_the_work(qtbot, jobs):
    gate, ends, done = Gate(), [], []
    job = jobs.start("wait", gate, done=done.append, end=ends.append)
    assert gate.started.wait(5)
    job.cancel()
    qtbot.waitUntil(lambda: bool(ends))
    assert ends[0].state == "cancelled"
    assert not done


def test_cancel_wins_over_a_success_that_is_on_its_way(qtbot, jobs):
    ends, done = [], []
    job = jobs.start("quick", lambda job: 1, done=done.append, end=ends.append)
    job.thread.join(5)  # "succeeded" is in the queue now, and nobody has read it
    job.cancel()
    qtbot.waitUntil(lambda: bool(ends))
    assert [o.state for o in ends] == ["cancelled"]
    assert not done


def test_error_after_cancel_is_silent_but_a_defect_is_told(qtbot, jobs):
    failures, ends = [], []
    jobs.failed.connect(lambda label, outcome: failures.append(label))

    def fail(error: Exception):
        def work(job: Job) -> None:
            while not job.context.cancelled:
                time.sleep(0.001)
            raise error

        return work

    for label, error in (("person", QuietfieldError("late")), ("defect", KeyError("late"))):
        jobs.start(label, fail(error), end=ends.append).cancel()
    qtbot.waitUntil(lambda: len(ends) == 2)
    assert [o.state for o in ends] == ["cancelled", "cancelled"]
    assert failures == ["defect"]


def test_channel_runs_one_job_at_a_time_and_the_newest_wins(qtbot, jobs):
    first = Gate("first", checks=False)
    ends: dict[str, str] = {}
    shown: list[str] = []

    def start(name: str, work: Any) -> None:
        jobs.start(name, work, done=shown.append, end=lambda o: ends.update({name: o.state}), channel="view")

    start("first", first)
    assert first.started.wait(5)
    start("second", lambda job: "second")
    start("third", lambda job: "third")
    assert [j.label for j in jobs.running] == ["first"]
    qtbot.waitUntil(lambda: "second" in ends)  # replaced before its turn came, and told so
    assert ends == {"second": "cancelled"}
    first.go.set()
    qtbot.waitUntil(lambda: len(ends) == 3)
    assert ends == {"first": "cancelled", "second": "cancelled", "third": "succeeded"}
    assert shown == ["third"]


def test_cancel_of_a_channel_takes_the_waiting_one_along(qtbot, jobs):
    gate, ends = Gate(), []
    jobs.start("a", gate, end=lambda o: ends.append(("a", o.state)), channel="c")
    jobs.start("b", Gate(), end=lambda o: ends.append(("b", o.state)), channel="c")
    jobs.cancel("c")
    qtbot.waitUntil(lambda: len(ends) == 2)
    assert sorted(ends) == [("a", "cancelled"), ("b", "cancelled")]
    assert idle(jobs)


def test_waiting_job_that_is_cancelled_never_runs(qtbot, jobs):
    gate, ends, ran = Gate(checks=False), [], []
    jobs.start("a", gate, channel="c")
    waiting = jobs.start("b", lambda job: ran.append(1), end=ends.append, channel="c")
    waiting.cancel()
    gate.go.set()
    qtbot.waitUntil(lambda: bool(ends))
    assert ends[0].state == "cancelled"
    assert not ran


def test_start_again_from_a_done_slot(qtbot, jobs):
    seen: list[int] = []

    def again(value: int) -> None:
        seen.append(value)
        if value < 20:
            jobs.start("next", lambda job: value + 1, done=again, channel="loop")

    jobs.start("next", lambda job: 1, done=again, channel="loop")
    qtbot.waitUntil(lambda: len(seen) == 20)
    assert seen == list(range(1, 21))
    assert idle(jobs)


def test_partial_results_arrive_newest_only_and_stop_after_cancel(qtbot, jobs):
    seen: list[int] = []
    sent, go = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        for value in range(1000):
            job.emit(value)
        sent.set()
        go.wait(5)
        job.emit("after the cancel")

    job = jobs.start("many", work, partial=seen.append)
    assert sent.wait(5)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [999]
    job.cancel()
    go.set()
    qtbot.waitUntil(lambda: idle(jobs))
    assert seen == [999]


def test_progress_reaches_the_window(qtbot, jobs):
    told = threading.Event()

    def work(job: Job) -> None:
        job.context.part(0.5, 1.0).step(0.5, "half of the second half")
        told.wait(5)

    job = jobs.start("steps", work)
    qtbot.waitUntil(lambda: job.fraction == 0.75)
    assert job.text == "half of the second half"
    told.set()
    qtbot.waitUntil(lambda: idle(jobs))


def test_progress_is_throttled(qtbot, jobs):
    arrived: list[float] = []
    jobs.changed.connect(lambda: arrived.append(0.0))

    def work(job: Job) -> None:
        for i in range(20_000):
            job.context.step(i / 20_000)

    began = time.monotonic()
    jobs.start("steps", work)
    qtbot.waitUntil(lambda: idle(jobs))
    assert len(arrived) <= 30 * (time.monotonic() - began) + 4


def test_quiet_jobs_stay_out_of_the_bar(qtbot, jobs):
    loud, quiet = Gate(), Gate()
    jobs.start("loud", loud)
    jobs.start("quiet", quiet, quiet=True)
    assert [j.label for j in jobs.busy] == ["loud"]
    loud.go.set()
    quiet.go.set()
    qtbot.waitUntil(lambda: idle(jobs))


def test_what_gives_way_begins_when_nothing_else_runs(qtbot, jobs):
    gate, order = Gate(), []

    def late(name):
        def work(job: Job) -> None:
            jobs.give_way(job, 60.0)
            order.append(name)

        return work

    first = jobs.start("first", gate, done=lambda _: order.append("first"))
    qtbot.waitUntil(gate.started.is_set)
    waiting = [jobs.start(name, late(name)) for name in ("one", "other")]
    qtbot.waitUntil(lambda: all(job.giving_way for job in waiting))
    qtbot.wait(500)
    assert order == []
    assert first in jobs.running
    gate.go.set()
    qtbot.waitUntil(lambda: idle(jobs))
    assert order[0] == "first"
    assert sorted(order[1:]) == ["one", "other"]
    assert not any(job.giving_way for job in waiting)


def test_what_gives_way_goes_on_when_its_patience_ends_and_can_be_cancelled(qtbot, jobs):
    gate, ends = Gate(), {}
    jobs.start("first", gate)
    qtbot.waitUntil(gate.started.is_set)
    for name, patience in (("brief", 0.05), ("long", 60.0)):
        jobs.start(
            name, lambda job, p=patience: jobs.give_way(job, p), channel=name,
            end=lambda outcome, name=name: ends.update({name: outcome.state}),
        )  # fmt: skip
    qtbot.waitUntil(lambda: "brief" in ends)
    jobs.cancel("long")
    qtbot.waitUntil(lambda: "long" in ends)
    gate.go.set()
    qtbot.waitUntil(lambda: idle(jobs))
    assert ends == {"brief": "succeeded", "long": "cancelled"}


def test_callback_that_fails_still_ends_the_job(qtbot, jobs):
    ends: list[Outcome] = []

    def broken(value: int) -> None:
        raise ValueError("broken receiver")

    with qtbot.captureExceptions() as exceptions:
        jobs.start("x", lambda job: 1, done=broken, end=ends.append)
        qtbot.waitUntil(lambda: bool(ends))
    assert ends[0].state == "succeeded"
    assert exceptions[0][0] is ValueError


def test_shut_down_while_running_calls_nobody_back(qtbot, qapp):
    jobs, called = Jobs(), []
    gates = [Gate() for _ in range(3)]
    for gate in gates:
        jobs.start("wait", gate, done=called.append, end=called.append, channel="")
        assert gate.started.wait(5)
    jobs.start("late", gates[0], end=called.append, channel="x")
    jobs.start("later", gates[0], end=called.append, channel="x")
    assert jobs.shut_down(5)
    jobs.start("too late", lambda job: called.append("ran"))
    qtbot.wait(50)
    assert not called
    assert not jobs.running


def test_thread_that_outlives_the_window_does_no_harm(qtbot, qapp, monkeypatch):
    seen: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    jobs, gate = Jobs(), Gate(checks=False)
    job = jobs.start("stubborn", gate)
    assert gate.started.wait(5)
    assert not jobs.shut_down(0.01)
    shiboken6.delete(jobs)
    gate.go.set()
    job.thread.join(5)
    assert not job.thread.is_alive()
    assert not seen


def test_what_the_work_held_is_let_go(qtbot, jobs):
    class Pixels:
        pass

    held = Pixels()
    gone = weakref.ref(held)
    jobs.start("hold", lambda job, held=held: None)
    del held
    qtbot.waitUntil(lambda: idle(jobs))
    qtbot.wait(1)
    gc.collect()
    assert gone() is None


def test_cancelled_is_no_failure_when_the_work_raises_it_by_itself(qtbot, jobs):
    ends: list[Outcome] = []

    def work(job: Job) -> None:
        raise Cancelled

    jobs.start("x", work, end=ends.append)
    qtbot.waitUntil(lambda: bool(ends))
    assert ends[0].state == "cancelled"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal from Python 3.12 on")
def test_signals_lose_no_reference(qapp, session):
    """Some PySide6 versions lose a reference to None or True at every emission, and then abort."""
    from PySide6.QtCore import QObject, Signal

    class Sender(QObject):
        flag = Signal(bool)
        thing = Signal(object)

    sender, heard = Sender(), []
    sender.flag.connect(heard.append)
    sender.thing.connect(heard.append)
    for value in (True, None):
        signal = sender.flag if value else sender.thing
        before = sys.getrefcount(value)
        for _ in range(1000):
            signal.emit(value)
        heard.clear()
        assert abs(sys.getrefcount(value) - before) < 50


class Receiver(QObject):
    """Takes outcomes until it is deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[str] = []

    def take(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome.state)


def test_a_receiver_that_qt_has_deleted_is_not_called(qtbot, jobs):
    gate, receiver = Gate(), Receiver()
    jobs.start("for one that is gone", gate, end=receiver.take)
    outcomes = receiver.outcomes
    shiboken6.delete(receiver)
    gate.go.set()
    qtbot.waitUntil(lambda: idle(jobs))
    assert outcomes == []
