"""Executors, which run tasks: one after another in this process, or in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import ClassVar

from core import params
from core.errors import QuietfieldError
from core.files import drafts
from core.params import param
from core.progress import Context
from core.work.task import Done, Notify, Task, run

LAST_SECONDS = 5.0
"""Seconds in which a worker whose parent was killed removes what it is writing."""

STOP_SECONDS = 0.4
"""Seconds in which workers end their tasks after a cancellation, before their processes are ended."""

POLL_SECONDS = 0.2
"""Interval between checks for cancellation while other processes work, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Failed:
    """A task that failed, with the reason."""

    task: Task
    error: QuietfieldError


class WorkerEnded(QuietfieldError):
    """A worker process ended before its task, which may not be the cause."""


Outcome = Done | Failed


class Executor:
    """Runs tasks. The dataclass fields of an executor are its parameters.

    Subclasses are frozen, keyword-only dataclasses with a name and a label.
    """

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""

    def __post_init__(self) -> None:
        params.validate(self)

    def run(
        self, tasks: Sequence[Task], context: Context | None = None, *, notify: Notify | None = None
    ) -> Iterator[Outcome]:
        """Run tasks, yielding each outcome as soon as it is complete.

        Parameters
        ----------
        tasks : sequence of Task
            Tasks. A failed task does not stop the others.
        context : Context, optional
            Progress of all tasks together, and cancellation.
        notify : callable, optional
            Receives findings as soon as they are known.

        Yields
        ------
        Done or Failed
            Outcome of a task.

        Raises
        ------
        Cancelled
            If the context is cancelled; files written before remain.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Here(Executor):
    """Run tasks in this process, one after another."""

    name: ClassVar[str] = "here"
    label: ClassVar[str] = "In this process"

    def run(
        self, tasks: Sequence[Task], context: Context | None = None, *, notify: Notify | None = None
    ) -> Iterator[Outcome]:
        """Run tasks one after another; see `Executor.run`."""
        context = context or Context()
        for number, task in enumerate(tasks):
            part = context.part(number / len(tasks), (number + 1) / len(tasks))
            try:
                yield run(task, part, notify=notify)
            except QuietfieldError as error:
                yield Failed(task=task, error=error)


@dataclass(frozen=True, kw_only=True)
class Processes(Executor):
    """Run several tasks at the same time, each in a separate process; outcomes are not ordered."""

    name: ClassVar[str] = "processes"
    label: ClassVar[str] = "In several processes"

    workers: int = param(
        2, "Workers", ge=1, le=256, step=1,
        help="Number of tasks that run at the same time; each needs separate memory.",
    )  # fmt: skip

    def run(
        self, tasks: Sequence[Task], context: Context | None = None, *, notify: Notify | None = None
    ) -> Iterator[Outcome]:
        """Run tasks in other processes; see `Executor.run`."""
        context = context or Context()
        # processes are spawned: one that is forked while threads run may never start
        spawned = multiprocessing.get_context("spawn")
        stop = spawned.Event()
        workers = min(self.workers, len(tasks)) or 1
        threads = max(1, (os.cpu_count() or 1) // workers)
        others = set(multiprocessing.active_children())
        with ProcessPoolExecutor(workers, spawned, _begin, (stop, threads)) as pool:
            with _signals_ignored():  # a terminal sends them to all processes; this one stops the others
                waiting = {pool.submit(_run, task): task for task in tasks}
            try:
                while waiting:
                    context.step(1 - len(waiting) / len(tasks), f"{len(waiting)} of {len(tasks)} left")
                    finished, _ = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
                    for future in finished:
                        task = waiting.pop(future)
                        try:
                            done = future.result()
                        except QuietfieldError as error:
                            yield Failed(task=task, error=error)
                            continue
                        except BrokenProcessPool:
                            yield Failed(task=task, error=_ended())
                            continue
                        if notify is not None:
                            for finding in done.findings:
                                notify(task, finding)
                        yield done
            finally:  # after a cancellation or an error no task begins, and running ones stop soon
                stop.set()
                running = [future for future in waiting if not future.cancel()]
                if wait(running, STOP_SECONDS).not_done:  # importing a library, which nothing interrupts
                    _end(set(multiprocessing.active_children()) - others, tasks)


_EXECUTORS: dict[str, type[Executor]] = {cls.name: cls for cls in (Here, Processes)}


def executors() -> tuple[type[Executor], ...]:
    """Return all executors: built-in ones, then added ones."""
    return tuple(_EXECUTORS.values())


def add(cls: type[Executor]) -> None:
    """Register another executor; the command line then includes it.

    Raises
    ------
    ValueError
        If an executor with this name exists.
    """
    if cls.name in _EXECUTORS:
        raise ValueError(f"two executors are called {cls.name}")
    _EXECUTORS[cls.name] = cls


def remove(name: str) -> None:
    """Remove a registered executor."""
    del _EXECUTORS[name]


def find(name: str) -> type[Executor]:
    """Return the executor with this name.

    Raises
    ------
    QuietfieldError
        If there is none; the message suggests the nearest name.
    """
    try:
        return _EXECUTORS[name]
    except KeyError:
        raise QuietfieldError(params.unknown("executor", name, _EXECUTORS)) from None


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Ignore SIGINT and SIGHUP temporarily, so that processes started meanwhile always ignore them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = (name for name in ("SIGINT", "SIGHUP") if hasattr(signal, name))  # Windows lacks the second
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (getattr(signal, n) for n in names)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_context = Context()
"""Context of the task that runs in this process, if it is a worker."""


def _begin(stop: Event, threads: int) -> None:
    """Prepare a worker: limit its threads, and stop it when all tasks are cancelled."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)  # libraries read these when they are loaded

    def watch() -> None:
        parent = multiprocessing.parent_process()
        while not stop.wait(POLL_SECONDS):
            if parent is not None and not parent.is_alive():  # it was killed: nobody waits for a result
                _context.cancel()
                time.sleep(LAST_SECONDS)
                drafts.remove_own()
                os._exit(1)
        _context.cancel()

    threading.Thread(target=watch, daemon=True, name="watch for cancellation").start()


def _end(workers: Collection[BaseProcess], tasks: Sequence[Task]) -> None:
    """End processes, and remove what they were writing."""
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join()
    for folder in {task.target.path.parent for task in tasks if task.target is not None}:
        drafts.remove_orphans(folder)


def _ended() -> WorkerEnded:
    return WorkerEnded(
        "A worker process was ended from outside, perhaps because memory ran out. Use fewer workers."
    )


def _run(task: Task) -> Done:
    return run(task, _context.part(0.0, 1.0))
