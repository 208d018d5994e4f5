"""The subcommand ``train``."""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import (
    PREFIX,
    Parser,
    Usage,
    add_camera,
    add_input,
    add_method,
    add_quiet,
    add_without,
    chosen_method,
    chosen_source,
    given,
    path,
    seconds,
)
from app.cli.output_paths import refuse_to_replace
from app.cli.process import DEVICE_HELP
from app.cli.terminal import Progress
from app.shell.durations import clock
from core.errors import QuietfieldError
from core.paths import MODEL_ENDING, is_folder, there

if TYPE_CHECKING:
    from core.learning.base import Learned
    from core.learning.model import Model
    from core.learning.trainer import Report, Trainer
    from core.model_file import ModelFile
    from core.params import Value
    from core.recovery import Checkpoints
    from core.stack import Stack


def add_train(parser: Parser, argv: Sequence[str]) -> None:
    """Add the options of ``train``."""
    parser.add_argument("stack", type=path, metavar="STACK", help="noisy image file, or folder of planes")
    parser.add_argument(
        "-o", "--out", required=True, type=path, metavar="MODEL",
        help=f"file of the trained network ({MODEL_ENDING} is added if necessary)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace MODEL if it exists")
    resuming = any(word == "--resume" or word.startswith("--resume=") for word in argv)
    add_method(parser, "learned", argv, required=not resuming)
    parser.add_argument(
        "--target", type=path, metavar="STACK",
        help="clean stack, for methods that need one (care): a file, or a folder of images with the same "
        "names as the noisy ones",
    )  # fmt: skip
    parser.add_argument("--preset", metavar="NAME", help=_presets_help(argv))
    parser.add_argument(
        "--resume", type=path, metavar="MODEL", nargs="?", const=True,
        help="continue the training of this network, with its method and parameters unless others are given; "
        "steps and seconds are totals. Without MODEL, at the end of the command: continue the interrupted "
        "training from its checkpoint beside -o",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint-every", type=seconds, default=60.0, metavar="SECONDS",
        help="time between two checkpoints beside -o, from which an interrupted training is resumed; 0 for "
        "none (default: 60). The last one is removed after the training",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", metavar="NAME", help=DEVICE_HELP)
    parser.add_argument(
        "--threads",
        type=_positive,
        metavar="N",
        help="number of CPU threads (default: all)",
    )
    if "--seconds" not in parser.options():
        parser.add_argument(
            "--seconds", type=float, dest=PREFIX + "seconds", default=argparse.SUPPRESS, metavar="X",
            help="time limit of the training; 0 for none",
        )  # fmt: skip
    add_input(parser)
    add_camera(parser)
    add_without(parser)
    add_quiet(parser)


def run_train(args: argparse.Namespace) -> int:
    """Run ``train`` with progress on stderr; write the network at the end and print a summary."""
    if is_folder(args.out):
        raise QuietfieldError(f"{args.out} is a folder. Name a file with -o.")
    named = args.out.suffix == MODEL_ENDING
    out: Path = args.out if named else args.out.with_name(args.out.name + MODEL_ENDING)
    refuse_to_replace(out, overwrite=args.overwrite)
    if not os.access(out.parent, os.W_OK):
        raise QuietfieldError(f"Writing into {out.parent} is not permitted. Name another folder with -o.")
    from core import recovery
    from core.checkpoint import load_model, room
    from core.files.atomic import check_room
    from core.learning.trainer import Trainer

    checkpoint = recovery.checkpoint_path(out)
    resumed: Path | None = checkpoint if args.resume is True else args.resume
    interrupted = resumed is not None and recovery.is_checkpoint(resumed)
    own = resumed is not None and there(resumed) and there(checkpoint) and resumed.samefile(checkpoint)
    if there(checkpoint) and not own and not args.overwrite:
        raise QuietfieldError(
            f"{checkpoint} holds an interrupted training of this network. Add --resume to continue it, or "
            "--overwrite to train anew."
        )
    start = None if resumed is None else (recovery.load_checkpoint if interrupted else load_model)(resumed)
    method = _method(args, start, resumed if interrupted else None)
    check_room(out, 2 * room(method))  # with the checkpoint
    progress = Progress(quiet=args.quiet)
    stack = chosen_source(args, args.stack).open()
    for finding in stack.meta.findings:
        progress.say(f"{args.stack}: {finding.text}")
    target = _target(args, method)
    trainer = Trainer(stack, method, device=args.device, threads=args.threads, target=target)
    if start is not None:
        trainer.restore(start)
    checkpoints = recovery.Checkpoints(checkpoint, args.checkpoint_every, progress.say)
    try:
        if start is not None and resumed is not None and interrupted:
            recovery.check_stacks(resumed, start, stack, target)
        _train(trainer, progress, checkpoints)
        model = trainer.model()
        saved = _save(out, model, overwrite=args.overwrite)
    except BaseException:
        if checkpoints.step:
            progress.say(f"{checkpoint} holds the training up to step {checkpoints.step}: add --resume.")
        raise
    checkpoints.remove()
    progress.say(f"Wrote {out} after {model.record.steps} steps in {clock(model.record.seconds)}.")
    print(json.dumps({"model": str(out), "method": method.name, "sha256": saved.sha256, **_summary(model)}))
    return 0


def _train(trainer: Trainer, progress: Progress, checkpoints: Checkpoints) -> None:
    said = 0
    for report in trainer.run(progress.context("Preparing")):
        for finding in report.findings[said:]:
            progress.say(finding.text)
        said = len(report.findings)
        progress.show(describe(report))
        checkpoints.offer(trainer, report.step)


def _target(args: argparse.Namespace, method: Learned) -> Stack | None:
    """Open the clean stack, if there is one."""
    from core.learning.clean_stacks import open_target

    if args.target is not None:
        return open_target(args.target, args.stack, axes=args.input_axes)
    if method.needs_target:
        raise QuietfieldError(
            f"{method.label} needs a noisy and a clean stack. Name the clean one with --target."
        )
    return None


def _save(out: Path, model: Model, *, overwrite: bool) -> ModelFile:
    """Write the network; if that fails, write it beside or to the temporary folder, not to lose it."""
    from core.checkpoint import save_model

    try:
        return save_model(out, model, taken="replace" if overwrite else "refuse")
    except QuietfieldError as error:
        for folder in (out.parent, _temporary_folder()):
            try:
                kept = save_model(folder / out.name, model, taken="rename")
            except QuietfieldError:
                continue
            raise QuietfieldError(f"{error} The trained network is in {folder / kept.file}.") from error
        raise


def _temporary_folder() -> Path:
    """Return the folder for temporary files, or the current one if there is none with room."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return Path()


def describe(report: Report) -> str:
    """Return one line of progress: step, loss, rate, remaining time; unknown values are omitted."""
    if report.doing:
        return report.doing
    parts = [f"step {report.step}" + (f"/{report.steps}" if report.steps else "")]
    if math.isfinite(report.loss):
        parts += [f"loss {report.loss:.4g}", f"{report.pixels_per_second / 1e6:.2f} Mpx/s"]
    if report.validation is not None and math.isfinite(report.validation):
        parts.append(f"validation {report.validation:.4g}")
    if math.isfinite(report.seconds_left):
        parts.append(f"{clock(report.seconds_left)} left")
    return ", ".join(parts)


def _summary(model: Model) -> dict[str, object]:
    """Return a summary of the training, with null for values that were not measured."""
    _, loss, validation = model.record.curve[-1] if model.record.curve else (0, math.nan, math.nan)
    return {
        "steps": model.record.steps,
        "seconds": round(model.record.seconds, 3),
        "loss": loss if math.isfinite(loss) else None,
        "validation": validation if math.isfinite(validation) else None,
        "device": model.record.device,
        "note": model.record.note,
        "findings": [finding.to_dict() for finding in model.record.findings],
    }


def _method(args: argparse.Namespace, start: Model | None, checkpoint: Path | None) -> Learned:
    """Return the method from the resumed network, the preset and the options, in ascending priority.

    An interrupted training, of which there is a checkpoint, goes on with the same method.
    """
    from core import params, recovery
    from core.catalogue import create, find
    from core.learning.base import Learned

    name: str = args.method or (start.method.name if start is not None else "")
    cls = find(name)
    assert issubclass(cls, Learned)  # the parser offers no other group
    values: dict[str, Value] = {}
    if start is not None and start.method.name == name and checkpoint is None:
        values.update(params.values(start.method))
    if args.preset is not None:
        if args.preset not in cls.presets:
            raise Usage(params.unknown("preset", args.preset, cls.presets), "train")
        values.update(cls.preset_values(args.preset))
    values.update(given(args))
    if start is not None and checkpoint is not None:
        if name != start.method.name:
            raise QuietfieldError(
                f"{checkpoint} was trained with {start.method.label}, not {cls.label}. Leave out --method, "
                "or train anew: delete the checkpoint and leave out --resume."
            )
        return recovery.resumed_method(checkpoint, start, values)
    method = create(name, values)
    assert isinstance(method, Learned)
    return method


def _presets_help(argv: Sequence[str]) -> str:
    from core.catalogue import methods
    from core.learning.base import Learned

    name = chosen_method(argv)
    classes = [m for m in methods("learned") if issubclass(m, Learned) and name in (None, m.name)]
    names = dict.fromkeys(p for m in classes for p in m.presets)
    return "named parameter values, which other options override: " + ", ".join(names)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1.")
    return int(text)
