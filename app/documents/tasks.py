"""Recipes and trained networks in the window: jobs that add results, write files or copy texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.documents import recipes
from app.documents.networks import Denoised, denoise
from app.shell.jobs import Job, Jobs
from app.shell.session import Session
from app.shell.snapshot import Result
from core.fingerprint import fingerprint
from core.work.methods_text import methods_text
from core.work.recipe import Recipe, Step

if TYPE_CHECKING:
    from core.learning.model import Model
    from core.stack import Stack
    from core.work.contest import Entry
    from core.work.networks import Networks
    from core.work.task import Done, Task

CHANNEL = "apply"


class Tasks(QObject):
    """Runs recipes, applies and saves networks, and describes results.

    Attributes
    ----------
    said : Signal of str
        Message about work without a visible effect.
    described : Signal of (str, str)
        A text for the clipboard, and its name.
    """

    said = Signal(str)
    described = Signal(str, str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs

    def run_recipe(self, path: Path) -> None:
        """Apply the steps of a recipe to the source."""
        self._run(f"Recipe {path.name}", path, lambda stack, _: recipes.recipe_task(path, stack))

    def apply_network(self, path: Path) -> None:
        """Denoise the source with a network from a file."""
        self._run(
            f"Applying {path.name}", path, lambda stack, known: recipes.network_task(path, stack, known)
        )

    def apply_entry(self, entry: Entry) -> None:
        """Apply a method of a comparison to the source, with its trained network if it has one."""
        source = self._session.snapshot.source
        if source is None or entry.result is None:
            return
        model = entry.result.model
        label = f"Applying {entry.method.label}"
        if model is not None:
            self._jobs.start(
                label, lambda job: denoise(source.stack, model, "auto", job.context),
                done=partial(self._on_denoised, source.key), channel=CHANNEL,
            )  # fmt: skip
            return
        recipe = Recipe(steps=(Step.of(entry.method),))

        def work(job: Job) -> Done:
            from core.work.task import Task, run

            return run(Task(recipe=recipe, source=source.stack, every_output=True), job.context)

        self._jobs.start(label, work, done=partial(self._on_applied, source.key), channel=CHANNEL)

    def _on_applied(self, parent: int, done: Done) -> None:
        self._session.add_done(parent, done)

    def _on_denoised(self, parent: int, made: Denoised) -> None:
        self._session.add(parent, made.steps, made.stacks, made.seconds, made.model)

    def _run(self, label: str, path: Path, make: Callable[[Stack, Networks], Task]) -> None:
        """Run a task on the source; networks are searched in the document, then beside a file."""
        snapshot = self._session.snapshot
        source = snapshot.source
        if source is None:
            return

        def work(job: Job) -> tuple[Done, Networks]:
            from core.work.networks import Networks
            from core.work.task import run

            networks = Networks(snapshot.models, folders=(path.parent,))
            return run(make(source.stack, networks), job.context, networks=networks), networks

        def done(made: tuple[Done, Networks]) -> None:
            found = made[1].models
            self._session.mark_filed(*(m for sha, m in found.items() if sha not in snapshot.models))
            self._session.add_done(source.key, made[0], found)

        self._jobs.start(label, work, done=done, channel=CHANNEL)

    def save_network(self, path: Path, model: Model) -> None:
        """Save a trained network."""

        def work(job: Job) -> Path:
            from core.checkpoint import save_model

            job.context.step(0.0, path.name)
            save_model(path, model)
            return path

        self._jobs.start(f"Saving {path.name}", work, done=partial(self._on_saved, model))

    def _on_saved(self, model: Model, path: Path) -> None:
        self._session.mark_filed(model)
        self.said.emit(f"Saved the trained network {path.name} in {path.parent}.")

    def shown_model(self) -> Model | None:
        """Return the network of the shown result, or None."""
        snapshot = self._session.snapshot
        step = snapshot.result.step if snapshot.result else None
        return snapshot.models.get(step.model.sha256) if step and step.model else None

    def copy_recipe(self, key: int) -> None:
        """Emit the recipe of a result; the fingerprint of the source is computed in a job."""
        source, result = self._session.snapshot.source, self._session.snapshot.find(key)
        if source is None or result is None:
            return
        steps, stack = self._session.steps(key), source.stack
        self._jobs.start(
            "Describing the source",
            lambda _: Recipe(steps=steps, source=fingerprint(stack)).to_json(),
            done=lambda text: self.described.emit(text, f"The recipe of “{_words(result)}”"),
            quiet=True,
        )

    def copy_methods(self, key: int) -> None:
        """Emit the methods text of a result."""
        snapshot = self._session.snapshot
        source, result = snapshot.source, snapshot.find(key)
        if source is None or result is None:
            return
        text = methods_text(self._session.steps(key), source.stack, snapshot.models)
        self.described.emit(text, f"The methods text of “{_words(result)}”")


def _words(result: Result) -> str:
    return f"{result.label}, {result.details}" if result.details else result.label
