"""Checkpoints of unfinished trainings, which go on from them after their process has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from core import params
from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.fingerprint import fingerprint
from core.learning.base import Learned
from core.learning.model import Model
from core.learning.trainer import Trainer
from core.params import Value
from core.paths import MODEL_ENDING, shorten
from core.stack import Stack
from core.stored import brief

EVERY = 60.0
"""Time between two checkpoints in seconds."""

ENDING = f".checkpoint{MODEL_ENDING}"

LIMITS = ("steps", "seconds")
"""Parameters that may be changed when a training goes on."""


def checkpoint_path(out: Path) -> Path:
    """Return the file of the checkpoint of a training that will write a file."""
    return out.with_name(shorten(out.name.removesuffix(MODEL_ENDING), ENDING))


def is_checkpoint(path: Path) -> bool:
    """Return whether the name of a file is that of a checkpoint."""
    return path.name.endswith(ENDING)


class Checkpoints:
    """Writes the checkpoint of a running training at intervals, each in place of the one before.

    Parameters
    ----------
    path : Path
        File of the checkpoint.
    every : float
        Time between two checkpoints in seconds; 0 for none.
    say : callable
        Receives a message if a checkpoint cannot be written. The training continues without checkpoints.

    Attributes
    ----------
    step : int
        Step of the last checkpoint written here; 0 before the first one.
    """

    def __init__(self, path: Path, every: float = EVERY, say: Callable[[str], None] = print) -> None:
        self._path, self._every, self._say = path, every, say
        self._last = time.monotonic()
        self.step = 0

    def offer(self, trainer: Trainer, step: int) -> None:
        """Write a checkpoint if the time has come and there was a step since the last one."""
        if not self._every or step <= self.step or time.monotonic() - self._last < self._every:
            return
        try:
            save_model(self._path, trainer.model(), taken="replace")
        except QuietfieldError as error:
            self._say(f"{error} The training continues without checkpoints.")
            self._every = 0.0
            return
        self.step, self._last = step, time.monotonic()

    def remove(self) -> None:
        """Remove the checkpoint after the network itself was written."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Model:
    """Read a checkpoint.

    Raises
    ------
    QuietfieldError
        If there is none, or it is damaged.
    """
    try:
        model = load_model(path)
    except QuietfieldError as error:
        anew = f"To train from the beginning, delete {path} and leave out --resume."
        raise QuietfieldError(f"{error} {anew}") from error
    if model.resume is None:
        raise QuietfieldError(
            f"{path} does not contain what is needed to resume a training. Delete it and train anew."
        )
    return model


def resumed_method(path: Path, model: Model, given: Mapping[str, Value]) -> Learned:
    """Return the method of a checkpoint with other limits of steps and time.

    Parameters
    ----------
    path : Path
        File of the checkpoint, for the error message.
    model : Model
        Network of the checkpoint.
    given : dict of str to value
        Wanted parameters. Values that the method chooses from the stack ("auto") are those of the checkpoint;
        values from which it made others, such as the name of a file, are compared as they were given.

    Raises
    ------
    QuietfieldError
        If another parameter differs from that of the checkpoint.
    """
    method, known = model.method, params.values(model.method)
    asked = (model.resume or {}).get("asked", {})
    for p in params.describe(type(method)):
        wanted = given.get(p.name, known[p.name])
        if p.name not in LIMITS and wanted not in ("auto", known[p.name], asked.get(p.name)):
            raise QuietfieldError(
                f"{path} was trained with another value of {p.label}: {brief(known[p.name])}, not "
                f"{brief(wanted)}. Resume with the same parameters, or train anew: delete the checkpoint "
                "and leave out --resume."
            )
    limits = {name: given[name] for name in LIMITS if name in given}
    return params.build(type(method), {**known, **limits})


def check_stacks(path: Path, model: Model, stack: Stack, target: Stack | None) -> None:
    """Check that a checkpoint belongs to the stacks that its training goes on with.

    Raises
    ------
    QuietfieldError
        If it belongs to others.
    """
    source = model.record.source
    pairs = (
        ("sha256", stack, f"trained on {source.get('name', 'another stack')}"),
        ("target", target, "trained with a clean stack"),
    )
    for key, given, words in pairs:
        if source.get(key) != (None if given is None else fingerprint(given)["sha256"]):
            raise QuietfieldError(
                f"{path} was {words}, whose pixels differ from those given. Resume with the same stack, or "
                "train anew: delete the checkpoint and leave out --resume."
            )
