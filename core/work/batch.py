"""Batches: one recipe on many sources, with a manifest from which an interrupted batch continues."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import QuietfieldError
from core.files import Format, list_series, read_recipe, write_text
from core.files.atomic import unwritable
from core.fingerprint import fingerprint
from core.memory import workers_that_fit
from core.methods.stream import KEPT_BYTES
from core.paths import OME_ENDINGS, TIFF_ENDINGS, ZARR_ENDINGS, there
from core.progress import Context
from core.reading import read_text
from core.work.executors import Executor, Here, Outcome, Processes, WorkerEnded
from core.work.manifest import Manifest, Row
from core.work.naming import result_names
from core.work.recipe import Recipe
from core.work.task import Done, Notify, Source, Target, Task

JSON_NAME, CSV_NAME = "manifest.json", "manifest.csv"
LOCK_NAME = ".manifest.lock"
MOST_MANIFEST = 2**28
"""Maximum size of a manifest in bytes."""

PROCESS_BYTES = 600 * 2**20
"""Memory of a worker process with torch, before it opens a stack."""

MOST_IN_MEMORY = 4 * 2**30
"""Size above which the result of a step is kept in a temporary file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One recipe on many sources.

    Attributes
    ----------
    recipe : Recipe
        Steps that run on every source.
    sources : tuple of Source
        Sources, each with one path.
    folder : Path
        Folder of results and manifest.
    suffix : str
        End of the names of results.
    format, dtype, overwrite : str or None, str, bool
        As in `Target`.
    networks, device : tuple of Path, str
        As in `Task`.
    """

    recipe: Recipe
    sources: tuple[Source, ...]
    folder: Path
    suffix: str
    format: Format | None = None
    dtype: str = "source"
    overwrite: bool = False
    networks: tuple[Path, ...] = ()
    device: str = "auto"

    def settings(self, source: Source) -> str:
        """Return a SHA-256 of all that determines the result of a source besides its pixels."""
        steps = [step.to_dict() for step in self.recipe.steps]
        reading = [
            source.series, source.axes, source.camera, source.without_frames, source.without_planes,
        ]  # fmt: skip
        whole = json.dumps([steps, reading, self.format, self.dtype], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()

    def task(self, source: Source, row: Row) -> Task:
        """Return the task that makes the result of a row."""
        target = Target(
            path=self.folder / row.result, format=self.format, dtype=self.dtype, overwrite=self.overwrite
        )
        return Task(
            recipe=self.recipe, source=source, target=target, networks=self.networks, device=self.device
        )

    @property
    def ending(self) -> str:
        """Ending of the names of results."""
        endings = {"ome": OME_ENDINGS, "zarr": ZARR_ENDINGS, "zarr-sharded": ZARR_ENDINGS}
        return endings.get(self.format or "", TIFF_ENDINGS)[0]


def plan(batch: Batch, former: Manifest, context: Context | None = None) -> Manifest:
    """Return the rows of a batch: done ones of a former manifest, those to do, and those that cannot be done.

    A result counts as done if it exists, and source, recipe and settings are those that it was made with.

    Parameters
    ----------
    batch : Batch
        Batch to plan.
    former : Manifest
        Manifest of an interrupted batch in the same folder; empty for a new batch.
    context : Context, optional
        Progress and cancellation.
    """
    context = context or Context()
    before = {row.source: row for row in former.rows}
    paths = [_path(source) for source in batch.sources]
    taken = {Path(row.source): row.result for row in former.rows}
    names = result_names(paths, batch.suffix, batch.ending, taken)
    label, known = batch.recipe.steps[-1].label, {path.resolve() for path in paths}
    rows = []
    for number, (source, path) in enumerate(zip(batch.sources, paths, strict=True)):
        context.step(number / len(paths), path.name)
        row = Row(
            source=str(path), result=names[path], recipe=label, settings=batch.settings(source)
        )  # fmt: skip
        rows.append(_resumed(batch, source, row, before.get(row.source), known))
    kept = [row for row in former.rows if Path(row.source) not in names]
    return Manifest(rows=(*rows, *kept))


def run_batch(
    batch: Batch,
    executor: Executor | None = None,
    context: Context | None = None,
    *,
    resume: bool = False,
    notify: Notify | None = None,
) -> Generator[Row]:
    """Run a batch, and write its manifest after each result.

    Parameters
    ----------
    batch : Batch
        Batch to run.
    executor : Executor, optional
        Runs the tasks; by default in this process.
    context : Context, optional
        Progress and cancellation.
    resume : bool
        Whether to continue the batch whose manifest is in the folder. If it has none, the batch begins.
    notify : callable, optional
        Receives findings as soon as they are known.

    Yields
    ------
    Row
        Every row of this batch, as soon as it is final.

    Raises
    ------
    QuietfieldError
        If another process works in the folder, it holds the manifest of a batch that is neither continued
        nor replaced, or the manifest cannot be written.
    Cancelled
        If the context is cancelled. Manifest and results are complete up to then.
    """
    context = context or Context()
    with _locked(batch.folder):
        path = batch.folder / JSON_NAME
        former = Manifest()
        if there(path):
            if resume:
                former = Manifest.from_json(read_text(path, MOST_MANIFEST))
            elif not batch.overwrite:
                raise QuietfieldError(
                    f"{batch.folder} holds the manifest of a batch. Continue it with --resume, begin again "
                    "with --overwrite, or name another folder."
                )
        manifest = plan(batch, former, context.part(0.0, 0.05))
        _write(batch.folder, manifest)
        sources = {str(_path(source)): source for source in batch.sources}
        own = [row for row in manifest.rows if row.source in sources]
        yield from (row for row in own if row.state != "waiting")
        waiting = {str(batch.folder / row.result): row for row in own if row.state == "waiting"}
        tasks = [batch.task(sources[row.source], row) for row in waiting.values()]
        for outcome in _outcomes(tasks, executor or Here(), context.part(0.05, 1.0), notify):
            row = _finished(waiting[str(_target(outcome.task))], outcome)
            manifest = manifest.with_row(row)
            _write(batch.folder, manifest)
            yield row
        _write_table(batch.folder, manifest)


def choose_workers(batch: Batch, wanted: int) -> int:
    """Return how many of the wanted workers fit into the available memory at the same time, at least one."""
    largest = 0
    for source in batch.sources:
        with suppress(QuietfieldError):  # told when it is processed
            series = list_series(_path(source))
            largest = max(largest, math.prod(series[min(source.series, len(series) - 1)].shape))
    return workers_that_fit(wanted, task_bytes(batch.recipe, largest))


def task_bytes(recipe: Recipe, pixels: int) -> int:
    """Estimate the memory of a worker in bytes, for a stack with this number of pixels.

    The last step is streamed, so that it keeps a limited number of blocks. The steps before it keep their
    result and that of the step before in memory, as float32.
    """
    each = min(4 * pixels, MOST_IN_MEMORY)
    earlier = min(len(recipe.steps) - 1, 2) * each
    return PROCESS_BYTES + 2 * min(4 * pixels, KEPT_BYTES) + earlier


def _outcomes(
    tasks: Sequence[Task], executor: Executor, context: Context, notify: Notify | None
) -> Iterator[Outcome]:
    """Run tasks; those whose worker process ended run again, each alone in a process of its own."""
    lost: list[Task] = []
    for outcome in executor.run(tasks, context, notify=notify):
        if isinstance(outcome, Done) or not isinstance(outcome.error, WorkerEnded):
            yield outcome
        else:
            lost.append(outcome.task)
    for task in lost:
        yield from Processes(workers=1).run([task], context.silent(), notify=notify)


def _resumed(batch: Batch, source: Source, row: Row, before: Row | None, sources: set[Path]) -> Row:
    """Return the row as it is before the batch runs: done, waiting, or failed because its name is taken."""
    target = batch.folder / row.result
    if target.resolve() in sources:
        return replace(
            row, state="failed", error=f"{target} is a source, which is never changed. Name another folder."
        )
    if not there(target):
        return row
    if before is not None and before.settings == row.settings:
        try:
            found = _json(fingerprint(source.open()))
            if before.state == "done" and before.fingerprint == found:
                return before
            # killed between the result and its row; with overwriting it may be an earlier result
            if before.state == "waiting" and not batch.overwrite and _made_from(target, batch.recipe, found):
                return replace(row, state="done", fingerprint=found)
        except QuietfieldError:  # the source cannot be read now, such as on a drive that is not connected
            if before.state == "done":
                return before
    if batch.overwrite:
        return row
    why = "exists" if before is None else "exists, but its source or the recipe has changed since"
    return replace(
        row, state="failed",
        error=f"{target} {why}. Add --overwrite to replace it, or name another folder.",
    )  # fmt: skip


def _made_from(target: Path, recipe: Recipe, source: dict[str, Any]) -> bool:
    """Return whether a result holds this recipe and the fingerprint of this source."""
    text = read_recipe(target)
    if not text:
        return False
    found = Recipe.from_json(text)
    return found.steps == recipe.steps and dict(found.source) == source


def _finished(row: Row, outcome: Outcome) -> Row:
    """Return the row of a task that has ended."""
    if not isinstance(outcome, Done):
        return replace(row, state="failed", error=" ".join(str(outcome.error).split()))
    saved = outcome.saved.findings if outcome.saved is not None else ()
    return replace(
        row, state="done", seconds=outcome.seconds, fingerprint=_json(outcome.fingerprint),
        findings=tuple(finding.to_dict() for finding in (*outcome.findings, *saved)),
    )  # fmt: skip


def _json(value: Any) -> dict[str, Any]:
    """Return a value as JSON gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(dict(value)))
    return found


def _path(source: Source) -> Path:
    if not isinstance(source.path, Path):
        raise ValueError("a source of a batch has one path")
    return source.path.absolute()


def _target(task: Task) -> Path:
    if task.target is None:
        raise ValueError("a task of a batch has a target")
    return task.target.path


def _write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, from which a batch continues, and its table."""
    write_text(folder / JSON_NAME, manifest.to_json())
    with suppress(QuietfieldError):  # open in a spreadsheet, perhaps; written again after the next file
        _write_table(folder, manifest)


def _write_table(folder: Path, manifest: Manifest) -> None:
    write_text(folder / CSV_NAME, manifest.to_csv())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make the folder, and keep other batches out of it; the system ends that with this process.

    Raises
    ------
    QuietfieldError
        If another batch is working there, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_NAME, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise QuietfieldError(
            f"Another batch is writing to {folder}. Wait until it has ended, or name another folder."
        ) from error
    except FileExistsError as error:
        raise QuietfieldError(f"{folder} is a file. Name a folder with -o.") from error
    except NotImplementedError:  # a file system without locks
        yield
        return
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()
