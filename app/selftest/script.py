"""The script of the self-test: actions in the window, and the recorded problems."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMessageLogContext, QObject, QTimer, QtMsgType, Slot, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QPushButton

from app.selftest.checks import Failure, check, check_codecs, check_filter, check_instant
from app.shell.jobs import Job, Outcome
from app.shell.view_state import Preview
from core.catalogue import create
from core.learning.base import Learned
from core.machine import process_age

WATCHDOG_SECONDS = 240.0
"""Time in seconds after which the self-test has failed."""

POLL_MILLISECONDS = 20
HARMLESS = (
    "propagateSizeHints",
    "Cannot find font directory",
    "This plugin supports grabbing the mouse only",
)
"""Messages of Qt that are not problems of this program."""

TRAINING = {
    "steps": 3, "seconds": 0.0, "width": 4, "depth": 2, "patch": 32, "batch": 2, "epoch": 3, "warmup": 0,
    "validation_patches": 2,
}  # fmt: skip


def run(shot: Path) -> int:
    """Run the self-test in the real window, and save a screenshot.

    Parameters
    ----------
    shot : Path
        PNG file to write.

    Returns
    -------
    int
        0 if there was no problem, else 1, with the problems on stderr. Times in seconds are written to stdout
        as JSON; the time of the window is measured from the start of the process.
    """
    from app.application import make_application

    if sys.stderr is not None:
        faulthandler.enable()
    dog = threading.Timer(WATCHDOG_SECONDS, _bite)
    dog.daemon = True
    dog.start()
    with tempfile.TemporaryDirectory(prefix="quietfield-self-test-", ignore_cleanup_errors=True) as folder:
        os.environ["QUIETFIELD_CONFIG"] = folder  # the user's preferences are neither read nor changed
        make_application()
        test = SelfTest(shot.absolute(), Path(folder))
        problems = test.run()
    dog.cancel()
    for problem in problems:
        _say(f"Self-test: {problem}")
    if not problems and sys.stdout is not None:
        print(json.dumps(test.seconds), flush=True)
    return 1 if problems else 0


class SelfTest(QObject):
    """Runs a script; every step waits for the effect of the one before."""

    def __init__(self, shot: Path, folder: Path) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.seconds: dict[str, float] = {}
        self._install_hooks()
        self._shot, self._folder = shot, folder
        self._mark = time.monotonic()
        self._script = self._steps()
        self._ready: Callable[[], bool] = lambda: True
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.timeout.connect(self._on_tick)

    def run(self) -> list[str]:
        """Show the window, run the script, and return the problems."""
        from app.application import make_window

        self.window = make_window()
        self.window.leaving.asks = False
        self.window.jobs.failed.connect(self._on_failed)
        self._timer.start()
        QApplication.exec()
        self.window.jobs.shut_down()
        qInstallMessageHandler(None)
        return self.problems

    # -- the script

    def _steps(self) -> Iterator[Callable[[], bool]]:
        """Run the steps in order; each yielded condition must become true before the next step."""
        session = self.window.session
        yield self.window.isVisible
        self.seconds["window"] = round(process_age(), 3)
        self._mark = time.monotonic()

        self._do("sample-simulated")
        yield lambda: session.snapshot.source is not None
        self._note("sample")
        source = session.snapshot.results[0].stack

        yield lambda: _complete(session.snapshot.preview)
        self._note("instant")
        check_instant(session.snapshot)
        self.window.filter_panel.choose("gaussian")
        self._press("filter-apply")
        yield lambda: len(session.snapshot.results) == 2
        self._note("filter")
        check_filter(source, session.snapshot.results[1].stack)
        self._do("undo")
        yield lambda: len(session.snapshot.results) == 1
        self._do("redo")
        yield lambda: len(session.snapshot.results) == 2

        yield from self._in_job("Exporting", self._export)
        self._note("export")
        yield from self._in_job("Reading and writing", lambda: check_codecs(self._folder))
        self._note("codecs")

        self._do("show-train")
        method = create("deconoising", TRAINING)
        if not isinstance(method, Learned):
            raise Failure("DecoNoising is no learned method")
        self.window.training_panel.settings.show_method(method)
        self._press("training-start")
        yield lambda: len(session.snapshot.results) == 4  # denoised and deconvolved
        self._note("training")
        for result in session.snapshot.results[2:]:
            check(bool(np.isfinite(result.stack.plane()).all()), f"{result.label} is not finite")
        self._do("undo")
        yield lambda: len(session.snapshot.results) == 2

        yield lambda: not self.window.jobs.running
        self._picture()

    def _in_job(self, label: str, work: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        """Run work as a job of the window, and wait."""
        ended: list[Outcome] = []
        self.window.jobs.start(label, lambda job: _run(job, work), end=ended.append)
        yield lambda: bool(ended)
        if ended[0].error is not None:
            raise ended[0].error

    def _export(self) -> None:
        """Export the filtered stack, read it, and run its recipe again."""
        from app.documents.exporting import Export, export
        from core.files import open_stack, read_recipe
        from core.work.recipe import Recipe
        from core.work.task import Task, run

        snapshot = self.window.session.snapshot
        source, result = snapshot.results[0], snapshot.results[1]
        check(result.step is not None, "the result has no step")
        wanted = Export(
            path=self._folder / "exported.tif", dtype="float32", stack=result.stack, source=source.stack,
            steps=(result.step,) if result.step else (),
        )  # fmt: skip
        path = export(wanted).path
        again = open_stack(path)
        check(again.axes == source.stack.axes, f"the axes {source.stack.axes} came back as {again.axes}")
        recipe = Recipe.from_json(read_recipe(path))
        repeated = run(Task(recipe=recipe, source=source.stack)).made[-1].stack
        for index in (0, again.sizes["T"] - 1):
            check(np.array_equal(again.plane(T=index), result.stack.plane(T=index)), "exported pixels differ")
            same = np.allclose(again.plane(T=index), repeated.plane(T=index), rtol=1e-5)
            check(same, "the exported recipe gives other pixels")

    def _do(self, name: str) -> None:
        action = self.window.actions_.by_id[name]
        check(action.isEnabled(), f"the action {name} is disabled: {action.toolTip()}")
        action.trigger()

    def _press(self, name: str) -> None:
        button: QPushButton | None = self.window.findChild(QPushButton, name)
        if button is None or not button.isEnabled():
            raise Failure(f"{name} cannot be pressed")
        button.click()

    def _picture(self) -> None:
        self._shot.parent.mkdir(parents=True, exist_ok=True)
        check(self.window.grab().save(str(self._shot)), f"{self._shot} could not be written")

    def _note(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self._mark, 3)
        self._mark = now

    @Slot()
    def _on_tick(self) -> None:
        try:
            if not self.problems and not self._ready():
                return
            if not self.problems:
                self._ready = next(self._script)
                return
        except StopIteration:
            pass
        except Exception:
            self.problems.append(traceback.format_exc())
        self._timer.stop()
        self.window.close()

    # -- problems

    def _install_hooks(self) -> None:
        sys.excepthook = lambda kind, error, trace: self.problems.append(
            "".join(traceback.format_exception(kind, error, trace))
        )
        threading.excepthook = lambda args: self.problems.append(
            "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
        )
        sys.unraisablehook = lambda args: self.problems.append(
            f"{args.err_msg or 'ignored exception'} in {args.object!r}: {args.exc_value!r}"
        )
        qInstallMessageHandler(self._on_message)

    def _on_message(self, kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:  # noqa: ARG002
        text = message or ""
        bad = kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
        if bad and not any(words in text for words in HARMLESS):
            self.problems.append(f"Qt: {text}")

    @Slot(str, object)
    def _on_failed(self, label: str, outcome: Outcome) -> None:
        self.problems.append(f"{label} failed: {outcome.report or outcome.error}")


def _run(job: Job, work: Callable[[], None]) -> None:
    job.context.step(0.0, job.label)
    work()


def _complete(preview: Preview | None) -> bool:
    return preview is not None and not preview.unfinished


def _bite() -> None:
    """Stop a program that hangs, with the stack traces of all threads."""
    _say(f"Self-test: not done after {WATCHDOG_SECONDS:g} s; every thread stands at:")
    if sys.stderr is not None:
        faulthandler.dump_traceback(all_threads=True)
    os._exit(1)


def _say(text: str) -> None:
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)
