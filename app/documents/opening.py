"""Opening of files, lists of files, folders and samples; pixels are read in a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal

from app.shell.jobs import Job, Jobs
from app.shell.preferences import PreferenceStore
from app.shell.session import Session
from app.shell.view_state import LUTS, Levels, auto_levels
from core.errors import QuietfieldError
from core.findings import Finding, format_kinds
from core.fingerprint import fingerprint
from core.progress import Context
from core.recorded import Recorded
from core.stack import AXIS_NAMES, Stack
from resources import FOLDER

if TYPE_CHECKING:
    from core.files.readers.base import Series
    from core.simulation.experiment import Simulation

SampleName = Literal["simulated", "label-free", "text", "convallaria"]
SAMPLES: Mapping[SampleName, str] = {
    "simulated": "Simulated specimen (known ground truth)",
    "label-free": "Label-free cells (simulated)",
    "text": "Text target (known PSF)",
    "convallaria": "Convallaria (real)",
}

SAMPLE_HELP: Mapping[SampleName, str] = {
    "simulated": "100 noisy frames of a simulated specimen, with ground truth as reference",
    "label-free": "40 noisy frames of simulated phase contrast, with ground truth as reference",
    "text": "10 noisy frames of a page of text, blurred by a Gaussian PSF with a sigma of 1 px",
    "convallaria": "A part of one frame of a lily of the valley section (Prakash et al. 2020, CC BY 4.0)",
}

CHANNEL = "open"
"""Opening another file cancels the opening of the previous one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """A stack that is ready for display.

    Attributes
    ----------
    stack : Stack
        Opened stack.
    levels : dict of int to (float, float)
        Levels of each channel, from its first plane.
    files : tuple of Path
        List of files, and `index` of the opened one.
    series : tuple of str
        Description of each image series of the file, and `series_index` of the opened one.
    truth : Stack or None
        Ground truth of a simulation.
    key : str
        SHA-256 of the fingerprint of a stack whose file does not say what its axes mean; "" for others.
    """

    stack: Stack
    levels: Mapping[int, Levels]
    files: tuple[Path, ...] = ()
    index: int = 0
    series: tuple[str, ...] = ()
    series_index: int = 0
    truth: Stack | None = None
    key: str = ""


def first_levels(stack: Stack, context: Context | None = None) -> dict[int, Levels]:
    """Return the levels of every channel: the display range in the file, else from the first plane."""
    count = stack.sizes.get("C", 1)
    found: dict[int, Levels] = {}
    for channel in range(count):
        if context is not None:
            context.step(channel / count, "Reading the first plane")
        given = stack.meta.display_ranges[channel : channel + 1]
        if given and given[0][1] > given[0][0]:
            found[channel] = given[0]
        else:
            region = stack.region(**{axis: channel if axis == "C" else 0 for axis in stack.axes[:-2]})
            found[channel] = auto_levels(Recorded.of(stack).values(region))
    return found


def axis_choices(stack: Stack) -> str:
    """Return the letters that the first axis of a stack can have; "" if it has only rows and columns."""
    return "".join(a for a in "TZC" if len(stack.axes) > 2 and a not in stack.axes[1:])


def load(
    paths: Sequence[Path],
    index: int = 0,
    series: int = 0,
    context: Context | None = None,
    answered: Callable[[str], str] | None = None,
) -> Opened:
    """Open one of several paths.

    Parameters
    ----------
    paths : sequence of Path
        Files, or one folder: of single planes, which are one stack, or of stacks, which are a list.
    index : int
        Index of the file to open.
    series : int
        Index of the image series in the file.
    context : Context, optional
        Progress and cancellation.
    answered : callable, optional
        Returns the letter of the first axis that was given before for a stack with this SHA-256; "" if none.

    Raises
    ------
    QuietfieldError
        If the file cannot be opened; the message names the file and the reason.
    """
    from core.files import images_in, is_collection, list_series, open_series

    context = context or Context()
    context.step(0.0, "Opening")
    folder = len(paths) == 1 and is_collection(paths[0])
    files = tuple(file for p in paths for file in (images_in(p) if is_collection(p) else (p,)))
    index = min(index, len(files) - 1)
    context.step(0.2, files[index].name)
    listed = list_series(files[index], context.silent())
    stack = open_series(listed, series)
    lines = tuple(one.text for one in listed)
    whole = _whole(files, listed[series], stack, context.part(0.2, 0.4)) if folder and index == 0 else None
    if whole is not None:
        stack, files, lines = whole, tuple(paths), ()
    stack, key = _with_answer(stack, answered)
    levels = first_levels(stack, context.part(0.4, 1.0))
    return Opened(
        stack=stack,
        levels=levels,
        files=files,
        index=index,
        series=lines,
        series_index=series,
        key=key,
    )


def _with_answer(stack: Stack, answered: Callable[[str], str] | None) -> tuple[Stack, str]:
    """Return a stack with the axis that was answered for it before, and its key; "" if its axes are known."""
    from core.files import reinterpret

    if stack.meta.axes_certain or answered is None or len(axis_choices(stack)) < 2:
        return stack, ""
    key = str(fingerprint(stack)["sha256"])
    letter = answered(key)
    if not letter or letter not in axis_choices(stack):
        return stack, key
    words = AXIS_NAMES[letter] if letter != "C" else "channels"
    told = Finding(kind=format_kinds.AXES_REMEMBERED, details={"axis": words})
    known = reinterpret(stack, letter + stack.axes[1:])
    return known.replace(findings=(*known.meta.findings, told)), key


def _whole(files: Sequence[Path], listed: Series, first: Stack, context: Context) -> Stack | None:
    """Return the stack that all files of a folder form, or None if each file is a separate stack."""
    from core.files import join_files

    if len(files) == 1 or listed.covers(files):
        return first
    if first.sizes.keys() & {"T", "Z"}:
        return None
    try:
        return join_files(files, first, series=listed.index, context=context)
    except QuietfieldError:  # files that differ, or a damaged file: each can be opened separately
        return None


def load_sample(name: SampleName, context: Context | None = None) -> Opened:
    """Open a sample of the program."""
    if name == "convallaria":
        return replace(load([FOLDER / "samples" / "convallaria.tif"], context=context), files=())
    if name == "text":
        from core.simulation.experiment import TEXT_TARGET

        return load_simulation(TEXT_TARGET, context)
    from core.simulation import sample
    from core.simulation.label_free import label_free_sample

    made = label_free_sample() if name == "label-free" else sample()
    return Opened(stack=made.noisy, levels=first_levels(made.noisy), truth=made.clean)


def load_simulation(settings: Simulation, context: Context | None = None) -> Opened:
    """Simulate a stack and its ground truth."""
    made = settings.run(context)
    return Opened(stack=made.noisy, levels=first_levels(made.noisy), truth=made.clean)


def _with_axis(stack: Stack, letter: str, context: Context) -> tuple[Stack, dict[int, Levels]]:
    from core.files import reinterpret

    changed = reinterpret(stack, letter + stack.axes[1:])
    return changed, first_levels(changed, context)


def _without(stack: Stack, axis: str, indices: Sequence[int], context: Context) -> Opened:
    from core.noise.cameras import with_camera
    from core.noise.survey import Survey
    from core.selection import leave_out

    rest = with_camera(leave_out(stack, axis, indices), Survey.of(stack).camera)
    return Opened(stack=rest, levels=first_levels(rest, context))


def _at_once(then: Callable[[], object]) -> None:
    then()


class Opener(QObject):
    """Opens stacks in a job; the current document stays open until this succeeds.

    Attributes
    ----------
    opened : Signal of Opened
        Another stack was opened.
    guard : callable
        Is given what opens a stack, and calls it unless the user keeps the open one; by default at once.
    """

    opened = Signal(object)

    def __init__(
        self, session: Session, jobs: Jobs, preferences: PreferenceStore, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._preferences = session, jobs, preferences
        self.guard: Callable[[Callable[[], object]], None] = _at_once
        self._key = ""
        self._tried: tuple[tuple[Path, ...], int] = ((), 0)

    def open(self, paths: Sequence[Path], index: int = 0, series: int = 0) -> None:
        """Open files or a folder."""
        if paths:
            self._tried = tuple(paths), index
            name = paths[min(index, len(paths) - 1)].name
            known = self._preferences.current.axis_of
            self._start(name, lambda job: load(paths, index, series, job.context, known))

    def open_sample(self, name: SampleName, then: Callable[[], None] | None = None) -> None:
        """Open a sample, and call a function when it is open."""
        self._start("the sample", lambda job: load_sample(name, job.context), then)

    def simulate(self, settings: Simulation) -> None:
        """Open a simulated stack."""
        self._start("the simulation", lambda job: load_simulation(settings, job.context))

    def open_series(self, series: int) -> None:
        """Open another image series of the same file."""
        now = self._session.snapshot
        path = now.source.stack.meta.path if now.source else None
        if path is not None:
            files = now.files or (path,)
            self.open(files, now.file_index if now.files else 0, series)

    def step(self, by: int) -> None:
        """Open the file `by` further in the list; an unreadable file is skipped the next time."""
        now = self._session.snapshot
        files, index = self._tried
        index = (index if files == now.files else now.file_index) + by
        if 0 <= index < len(now.files):
            self.open(now.files, index)

    def leave_out(self, axis: str, indices: Sequence[int]) -> None:
        """Open the stack again without some frames (axis "T") or planes ("Z"), counted from 0."""
        now = self._session.snapshot
        if now.source is not None:
            stack, files, index = now.source.stack, now.files, now.file_index
            self._start(
                stack.meta.name,
                lambda job: replace(_without(stack, axis, indices, job.context), files=files, index=index),
            )

    def set_axis(self, letter: str) -> None:
        """Set the axis of the planes: time ("T"), depth ("Z") or channels ("C")."""
        source = self._session.snapshot.source
        if source is not None and letter in axis_choices(source.stack):
            old, key = source.stack, source.key
            self.guard(
                lambda: self._jobs.start(
                    "Reading the axes anew",
                    lambda job: _with_axis(old, letter, job.context),
                    done=lambda made: self._reinterpreted(key, letter, *made),
                    channel=CHANNEL,
                )
            )

    def _reinterpreted(self, key: int, letter: str, stack: Stack, levels: Mapping[int, Levels]) -> None:
        source = self._session.snapshot.source
        if source is not None and source.key == key:
            self._session.replace_source(stack, levels)
            if self._key:
                self._preferences.keep(self._preferences.current.answered(self._key, letter))

    def _start(
        self, name: str, work: Callable[[Job], Opened], then: Callable[[], None] | None = None
    ) -> None:
        self.guard(
            lambda: self._jobs.start(
                f"Opening {name}", work, done=partial(self._on_opened, then), channel=CHANNEL
            )
        )

    def _on_opened(self, then: Callable[[], None] | None, opened: Opened) -> None:
        lut = self._session.snapshot.lut
        self._key = opened.key
        self._session.open(
            opened.stack,
            opened.levels,
            lut=lut if lut in LUTS or opened.stack.meta.luts else LUTS[0],
            truth=opened.truth,
            files=opened.files,
            file_index=opened.index,
        )
        self.opened.emit(opened)
        if then is not None:
            then()
