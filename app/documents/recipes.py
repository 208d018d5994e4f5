"""Recipes and trained networks as a person handles them: run, load, apply."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import QuietfieldError
from core.history import Recipe, Step
from core.methods.apply import apply
from core.methods.base import Operation
from core.model_file import ModelFile
from core.paths import MODEL_ENDING
from core.progress import Context
from core.stack import Stack

if TYPE_CHECKING:
    from core.learning.model import Model


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """Results of one operation: a step and a stack for each output kept, and the network used."""

    steps: tuple[Step, ...]
    stacks: tuple[Stack, ...]
    seconds: float
    model: Model | None = None


def run_recipe(
    path: Path, stack: Stack, models: Mapping[str, Model], context: Context | None = None
) -> tuple[Made, ...]:
    """Do the steps of a recipe one after the other, each on the result of the one before.

    Parameters
    ----------
    path : Path
        A recipe, or a stack that Quietfield exported.
    stack : Stack
        What to begin with.
    models : dict of str to Model
        Networks at hand, by their SHA-256; others are looked for beside the recipe.
    context : Context, optional
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If there is no recipe in the file, or a step cannot be repeated exactly.
    """
    from core.files import read_recipe

    text = read_recipe(path)
    if not text:
        raise QuietfieldError(
            f"{path.name} holds no recipe. Choose a .json recipe or a stack that Quietfield exported."
        )
    recipe = Recipe.from_json(text)
    if not recipe.steps:
        raise QuietfieldError(f"The recipe in {path.name} has no steps; there is nothing to run.")
    context = context or Context()
    finding = _Networks(path.parent, dict(models))
    operations = [step.operation(finding) for step in recipe.steps]
    outputs = [s.position(operation) for s, operation in zip(recipe.steps, operations, strict=True)]
    made: list[Made] = []
    for index, (step, operation, output) in enumerate(zip(recipe.steps, operations, outputs, strict=True)):
        part = context.part(index / len(operations), (index + 1) / len(operations))
        began = time.perf_counter()
        stack = apply(stack, operation, part)[output]
        model = finding.models.get(step.model.sha256) if step.model else None
        seconds = time.perf_counter() - began
        made.append(Made(steps=(step,), stacks=(stack,), seconds=seconds, model=model))
    return tuple(made)


@dataclass(slots=True)
class _Networks:
    """Finds networks by their content, and remembers them."""

    folder: Path
    models: dict[str, Model] = field(default_factory=dict)

    def __call__(self, wanted: ModelFile) -> Operation:
        from core.checkpoint import finder, load_model, sha256

        if wanted.sha256 not in self.models:
            finder(self.folder)(wanted)  # says what is wrong where there is none
            for path in (self.folder / wanted.file, *sorted(self.folder.glob(f"*{MODEL_ENDING}"))):
                if path.is_file() and sha256(path) == wanted.sha256:
                    self.models[wanted.sha256] = load_model(path)
                    break
        return self.models[wanted.sha256].prediction()


def apply_network(path: Path, stack: Stack, context: Context | None = None) -> Made:
    """Denoise a stack with the trained network in a file."""
    from core.checkpoint import load_model, sha256

    model = load_model(path)
    file = ModelFile(file=path.name, sha256=sha256(path))
    operation = model.prediction()
    began = time.perf_counter()
    stacks = apply(stack, operation, context)
    steps = tuple(Step.of(model.method, file, output) for output in operation.outputs)
    return Made(steps=steps, stacks=stacks, seconds=time.perf_counter() - began, model=model)
