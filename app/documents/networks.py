"""Denoise a stack with a trained network, and describe the network."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.findings import Finding
from core.model_file import ModelFile
from core.paths import MODEL_ENDING, OME_ENDINGS, TIFF_ENDINGS
from core.progress import Context
from core.stack import Stack
from core.work.recipe import Recipe, Step

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.model import Model


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Denoised:
    """Result of a network: steps and stacks of all outputs, time, and findings."""

    model: Model
    steps: tuple[Step, ...]
    stacks: tuple[Stack, ...]
    seconds: float
    findings: tuple[Finding, ...] = ()


def denoise(stack: Stack, model: Model, device: str, context: Context) -> Denoised:
    """Apply a network to a stack; the steps contain the name of its future file.

    The time includes training and prediction.

    Raises
    ------
    QuietfieldError
        If the network cannot be applied to the stack.
    """
    from core.work.networks import Networks
    from core.work.task import Task, run

    file = model_file(model, stack.meta.name)
    recipe = Recipe(steps=(Step.of(model.method, model=file),))
    networks = Networks({file.sha256: model}, device=device)
    done = run(Task(recipe=recipe, source=stack, every_output=True), context, networks=networks)
    return Denoised(
        model=model,
        steps=tuple(made.step for made in done.made),
        stacks=tuple(made.stack for made in done.made),
        seconds=model.record.seconds + done.made[0].seconds,
        findings=done.findings,
    )


def file_name(model: Model, stack_name: str) -> str:
    """Return the file name of a network trained on a stack: ``<stack>_<method>.quietfield``."""
    for ending in OME_ENDINGS + TIFF_ENDINGS:
        stack_name = stack_name.removesuffix(ending)
    stem = re.sub(r"[^\w.-]+", "_", stack_name).strip("_.")
    return f"{stem or 'stack'}_{model.method.name}{MODEL_ENDING}"


def model_file(model: Model, stack_name: str) -> ModelFile:
    """Return name and SHA-256 of the network's file before it is saved."""
    from core.checkpoint import encode

    return ModelFile(file=file_name(model, stack_name), sha256=hashlib.sha256(encode(model)).hexdigest())


def facts(model: Model) -> str:
    """Describe a network: method, training time, and the note of files without findings."""
    record = model.record
    count = "1 step" if record.steps == 1 else f"{record.steps} steps"
    words = f"{model.method.label}, {count} in {record.seconds:.0f} s"
    return f"{words}. {record.note}" if record.note and not record.findings else words
