"""The subcommands that make stacks: denoise, simulate and apply."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import (
    USED_BY,
    Parser,
    Usage,
    add_input,
    add_method,
    add_output,
    add_parameters,
    add_quiet,
    chosen_method,
    given,
    path,
)
from app.cli.output_paths import refuse_to_replace, targets
from app.cli.terminal import Progress
from app.shell.durations import clock
from core.errors import QuietfieldError
from core.paths import MODEL_ENDING, RECIPE_ENDING, is_folder, split_ending, there

if TYPE_CHECKING:
    from core.findings import Finding
    from core.history import Step
    from core.methods.base import Operation
    from core.model_file import FindModel
    from core.stack import Stack

DEVICE_HELP = "processor for networks: auto (default), cpu, cuda or mps"


def add_denoise(parser: Parser, argv: Sequence[str]) -> None:
    """Add the options of ``denoise``."""
    parser.add_argument("stacks", nargs="+", type=path, metavar="STACK", help="TIFF file or folder of planes")
    add_method(parser, "filter", argv)
    _add_output_name(parser, "denoise")
    add_output(parser)
    add_input(parser)
    add_quiet(parser)


def add_simulate(parser: Parser, argv: Sequence[str]) -> None:
    """Add the options of ``simulate``: of noise where a method is named, else of a whole experiment."""
    adding = chosen_method(argv) is not None
    parser.add_argument(
        "stacks", nargs="+" if adding else "*", type=path, metavar="STACK",
        help="clean TIFF file or folder of planes to add noise to; without any, a specimen is simulated",
    )  # fmt: skip
    if adding:
        add_method(parser, "noise", argv)
    else:
        from core.catalogue import methods
        from core.simulation.experiment import Simulation

        names = ", ".join(m.name for m in methods("noise"))
        parser.add_argument("--method", metavar="NAME", help=f"noise to add to a STACK, one of: {names}")
        parser.epilog = "Name a method to see its options: --method NAME --help."
        add_parameters(parser, Simulation)
        parser.add_argument(
            "--truth", type=path, metavar="FILE",
            help="file for what the stack is without noise (default: OUT with _truth at the end of its name)",
        )  # fmt: skip
    add_output(parser)
    add_input(parser)
    add_quiet(parser)


def run_simulate(args: argparse.Namespace) -> int:
    """Run ``simulate``: put noise on every stack, or make a noisy stack and its truth."""
    if args.method is not None:
        return run_method(args)
    if args.stacks:
        raise Usage("The following arguments are required: --method.", "simulate")
    from core import params
    from core.files import save_stack
    from core.simulation.experiment import Simulation

    stem, ending = split_ending(args.out)
    truth = args.truth or args.out.with_name(f"{stem}_truth{ending}")
    if truth.resolve() == args.out.resolve():
        raise Usage(
            "The stack and its truth would be written to one file. Name another with --truth.", "simulate"
        )
    for target in (args.out, truth):
        refuse_to_replace(target, overwrite=args.overwrite)
    started, progress = time.monotonic(), Progress(quiet=args.quiet)
    made = params.build(Simulation, given(args)).run(progress.context(args.out.name, "Simulation"))
    dtypes = made.noisy.dtype.name if args.dtype == "source" else args.dtype, "float32"
    for target, stack, dtype in zip((args.out, truth), (made.noisy, made.clean), dtypes, strict=True):
        save_stack(target, stack, format=args.format, dtype=dtype, overwrite=args.overwrite)
    seconds = time.monotonic() - started
    progress.say(f"Wrote {args.out} and its truth, {truth}, in {clock(seconds)}.")
    print(json.dumps({"path": str(args.out), "truth": str(truth), "seconds": round(seconds, 3)}), flush=True)
    return 0


def add_apply(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``apply``."""
    parser.add_argument(
        "recipe", type=path, metavar="MODEL_OR_RECIPE",
        help=f"trained network ({MODEL_ENDING}), or a recipe: a {RECIPE_ENDING} file or a stack that "
        "Quietfield wrote",
    )  # fmt: skip
    parser.add_argument("stacks", nargs="+", type=path, metavar="STACK", help="TIFF file or folder of planes")
    _add_output_name(parser, "train")
    parser.add_argument(
        "--models", type=path, metavar="FOLDER", action="append", default=[],
        help="folder in which to look for the networks a recipe names, besides the recipe's own",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", metavar="NAME", help=DEVICE_HELP)
    add_output(parser)
    add_input(parser)
    add_quiet(parser)


def _add_output_name(parser: Parser, command: str) -> None:
    """Add ``--output``; its help names the methods of a command that have several results."""
    from core.catalogue import methods

    several = [m for m in methods() if USED_BY[m.group] == command and len(m.possible) > 1]
    named = [f"of {m.label} {' or '.join(output.option for output in m.possible)}" for m in several]
    parser.add_argument(
        "--output", metavar="NAME",
        help=f"which result to keep, where there are several ({'; '.join(named)}); the first by default",
    )  # fmt: skip


def run_method(args: argparse.Namespace) -> int:
    """Run ``denoise`` or ``simulate``: one method on every stack."""
    from core.catalogue import create
    from core.history import Step

    step = Step.of(create(args.method, given(args)))
    operations = [step.operation()]
    if args.command == "simulate":
        return _each(args, [step], operations, "noisy")
    steps = _with_output([step], operations, args.output)
    return _each(args, steps, operations, _suffix(steps))


def run_apply(args: argparse.Namespace) -> int:
    """Run ``apply``: a trained network or a recipe on every stack."""
    if is_folder(args.recipe):
        raise QuietfieldError(f"{args.recipe} is a folder. Give a trained network or a recipe.")
    if not there(args.recipe):
        raise QuietfieldError(f"{args.recipe} does not exist. Give a trained network or a recipe.")
    if args.recipe.suffix == MODEL_ENDING:
        steps, operations = _from_model(args.recipe, args.device)
    else:
        steps, operations = _from_recipe(args.recipe, args.models, args.device)
    steps = _with_output(steps, operations, args.output)
    return _each(args, steps, operations, _suffix(steps))


def _with_output(steps: Sequence[Step], operations: Sequence[Operation], output: str | None) -> list[Step]:
    """Steps of which the last gives the result that is asked for."""
    last = steps[-1] if output is None else dataclasses.replace(steps[-1], output=output)
    found = [*steps[:-1], last]
    kept = [o.outputs[step.position(o)].name for step, o in zip(found, operations, strict=True)]
    return [dataclasses.replace(step, output=name) for step, name in zip(found, kept, strict=True)]


def _suffix(steps: Sequence[Step]) -> str:
    """What to add to the names of files."""
    return steps[-1].produces.label.replace(" ", "_")


def _from_model(path: Path, device: str) -> tuple[list[Step], list[Operation]]:
    from core.checkpoint import load_model, sha256
    from core.history import Step
    from core.model_file import ModelFile

    model = load_model(path)
    prediction = model.prediction(device)
    source = ModelFile(file=path.name, sha256=sha256(path))
    return [Step.of(model.method, model=source, output=prediction.outputs[0])], [prediction]


def _from_recipe(path: Path, folders: Sequence[Path], device: str) -> tuple[list[Step], list[Operation]]:
    from core.files import read_recipe
    from core.history import Recipe

    text = read_recipe(path)
    if not text:
        raise QuietfieldError(
            f"{path} holds no recipe. Give a stack that Quietfield wrote, a recipe ({RECIPE_ENDING}) or a "
            f"trained network ({MODEL_ENDING})."
        )
    steps = list(Recipe.from_json(text).steps)
    if not steps:
        raise QuietfieldError(f"The recipe in {path} has no steps; there is nothing to do.")
    find: FindModel | None = None
    if any(step.model for step in steps):
        from core.checkpoint import finder

        find = finder(path.parent, *folders, device=device)
    return steps, [step.operation(find) for step in steps]


def _each(
    args: argparse.Namespace, steps: Sequence[Step], operations: Sequence[Operation], suffix: str
) -> int:
    """Run steps on every stack; what fails is said, the others are done all the same."""
    progress = Progress(quiet=args.quiet)
    failed = 0
    for source, target in targets(args.stacks, args.out, suffix, args.format):
        try:
            done = _one(args, source, target, steps, operations, progress)
        except QuietfieldError as error:
            if len(args.stacks) == 1:
                raise
            progress.say(f"{source}: {error}")
            failed += 1
        else:
            print(json.dumps(done), flush=True)
    if failed:
        progress.say(f"{failed} of {len(args.stacks)} stacks could not be done; the others were.")
    return 1 if failed else 0


def _one(
    args: argparse.Namespace,
    source: Path,
    target: Path,
    steps: Sequence[Step],
    operations: Sequence[Operation],
    progress: Progress,
) -> dict[str, object]:
    from core.files import open_stack, save_stack
    from core.fingerprint import fingerprint
    from core.history import Recipe
    from core.methods.apply import apply
    from core.methods.stream import streaming

    started = time.monotonic()
    refuse_to_replace(target, overwrite=args.overwrite, sources=args.stacks)
    stack = open_stack(source, series=args.series, axes=args.input_axes)
    for finding in stack.meta.findings:
        progress.say(f"{source}: {finding.text}")
    recipe = Recipe(steps=tuple(steps), source=fingerprint(stack))
    context = progress.context(source.name, ", ".join(step.label for step in steps))
    result, share = stack, 1 / len(steps)
    for number, (step, operation) in enumerate(zip(steps[:-1], operations, strict=False)):
        part = context.part(number * share, (number + 1) * share)
        result = apply(result, operation, part)[step.position(operation)]
    output = steps[-1].position(operations[-1])
    # an error of some counts would hardly be left of whole ones
    usual = stack.dtype.name if steps[-1].produces.is_image else "float32"
    dtype = usual if args.dtype == "source" else args.dtype
    findings = _findings(result, operations[-1])
    for finding in findings:
        where = f", channel {int(finding.details['channel']) + 1}" if "channel" in finding.details else ""
        progress.say(f"{source}{where}: {finding.text}")
    working = context.part(1 - share, 1.0)
    with streaming(result, operations[-1], output, context=working) as last:  # computed while it is written
        saved = save_stack(
            target, last, format=args.format, dtype=dtype, recipe=recipe.to_json(),
            context=context.silent(), overwrite=args.overwrite,
        )  # fmt: skip
    seconds = time.monotonic() - started
    for finding in saved.findings:
        progress.say(f"{saved.path}: {finding.text}")
    clipped = f", {saved.clipped} of {saved.total} pixels clipped" if saved.clipped else ""
    progress.say(f"Wrote {saved.path} ({saved.dtype}{clipped}) in {clock(seconds)}.")
    return {
        "source": str(source), "path": str(saved.path), "dtype": saved.dtype, "format": saved.format,
        "clipped": saved.clipped, "pixels": saved.total, "seconds": round(seconds, 3),
        "findings": [f.to_dict() for f in (*stack.meta.findings, *findings, *saved.findings)],
    }  # fmt: skip


def _findings(stack: Stack, operation: Operation) -> list[Finding]:
    """Examine the middle plane of every channel; a finding that not all channels have names its channel."""
    known = operation.prepare(stack)
    at = {axis: stack.sizes[axis] // 2 for axis in "TZ" if axis in stack.axes}
    places = [at | {"C": channel} for channel in range(stack.sizes["C"])] if "C" in stack.axes else [at]
    each = [known.findings(stack, stack.region(**place)) for place in places]
    found = []
    for channel, findings in enumerate(each):
        for finding in findings:
            if any(finding not in others for others in each):
                finding = dataclasses.replace(finding, details={**finding.details, "channel": channel})
            found.append(finding)
    return list(dict.fromkeys(found))
