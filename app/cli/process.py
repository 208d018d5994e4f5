"""The subcommands that run recipes on stacks: ``denoise`` and ``apply``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import (
    AUTO,
    Parser,
    add_camera,
    add_executor,
    add_input,
    add_method,
    add_output,
    add_quiet,
    add_without,
    chosen_executor,
    chosen_source,
    given,
    path,
)
from app.cli.output_paths import refuse_to_replace, targets
from app.cli.terminal import Progress
from app.shell.durations import clock
from core import params
from core.errors import QuietfieldError
from core.paths import MODEL_ENDING, RECIPE_ENDING, is_folder, is_zarr_name, there
from core.work.command_line import USED_BY

if TYPE_CHECKING:  # loaded when they are needed: the command line starts at once
    from core.findings import Finding
    from core.methods.base import Bindable
    from core.work.networks import Networks
    from core.work.recipe import Recipe, Step
    from core.work.task import Done, Source, Task

DEVICE_HELP = "device of networks: auto (default), cpu, cuda or mps"


def add_denoise(parser: Parser, argv: Sequence[str]) -> None:
    """Add the options of ``denoise``."""
    parser.add_argument(
        "stacks", nargs="+", type=path, metavar="STACK", help="image file or folder of planes"
    )
    add_method(parser, "filter", argv)
    _add_output_name(parser, "denoise")
    add_executor(parser, argv)
    add_output(parser)
    add_input(parser)
    add_camera(parser)
    add_without(parser)
    add_quiet(parser)


def add_apply(parser: Parser, argv: Sequence[str]) -> None:
    """Add the options of ``apply``."""
    add_recipe(parser)
    parser.add_argument(
        "stacks", nargs="+", type=path, metavar="STACK", help="image file or folder of planes"
    )
    add_executor(parser, argv)
    add_output(parser)
    add_input(parser)
    add_camera(parser)
    add_without(parser)
    add_quiet(parser)


def add_recipe(parser: Parser, more: str = "") -> None:
    """Add the options that name a recipe or a network; `more` is the end of the help."""
    parser.add_argument(
        "recipe", type=path, metavar="MODEL_OR_RECIPE",
        help=f"trained network ({MODEL_ENDING}), or a recipe: a {RECIPE_ENDING} file or a stack written by "
        f"Quietfield{more}",
    )  # fmt: skip
    _add_output_name(parser, "train")
    parser.add_argument(
        "--models", type=path, metavar="FOLDER", action="append", default=[],
        help="folder with networks of a recipe, searched in addition to the folder of the recipe",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", metavar="NAME", help=DEVICE_HELP)


def _add_output_name(parser: Parser, command: str) -> None:
    """Add ``--output``; its help lists the methods with several outputs."""
    from core.catalogue import methods

    several = [m for m in methods() if USED_BY[m.group] == command and len(m.possible) > 1]
    named = [f"of {m.label} {' or '.join(output.option for output in m.possible)}" for m in several]
    parser.add_argument(
        "--output", metavar="NAME",
        help=f"output to write, if there are several ({'; '.join(named)}); by default the first",
    )  # fmt: skip


def run_method(args: argparse.Namespace) -> int:
    """Run ``denoise`` or ``simulate``: one method on every stack."""
    from core.catalogue import create
    from core.work.recipe import Recipe, Step

    values = given(args)
    automatic = [name for name, value in values.items() if value == AUTO]
    method = create(args.method, {name: value for name, value in values.items() if name not in automatic})
    if getattr(args, "auto", False):
        automatic += [p.name for p in params.describe(type(method)) if p.auto and p.name not in values]
    step = Step.of(method)
    if args.command == "simulate":
        return _run(args, Recipe(steps=(step,)), "noisy")
    recipe = _with_outputs([step], [step.method_for()], args.output)
    choose = partial(_choose, recipe, automatic) if automatic else None
    return _run(args, recipe, suffix_of(recipe), choose=choose)


def _choose(recipe: Recipe, names: Sequence[str], source: Source, progress: Progress) -> Recipe:
    """Return a recipe whose only step has the parameters with the smallest estimated error on a stack."""
    from core.catalogue import create
    from core.quality.judge import Judge
    from core.work.tuning import tune

    (step,) = recipe.steps
    context = progress.context(str(source.path), "choosing parameters")
    stack = source.open(context.part(0.0, 0.05))
    judge = Judge(stack, context=context.part(0.05, 0.1))
    method = create(step.method, step.params)
    found = tune(method, judge, names=names, context=context.part(0.1, 1.0))
    progress.clear()
    chosen = dataclasses.replace(step, params=params.values(found.method))
    low, high = (f"{value:.1f}" if math.isfinite(value) else "?" for value in found.judged.interval)
    progress.say(f"{source.path}: {chosen.details}, estimated PSNR {low} to {high} dB.")
    for finding in judge.findings:
        progress.say(f"{source.path}: the choice may be wrong. {finding.text}")
    return dataclasses.replace(recipe, steps=(chosen,))


def run_apply(args: argparse.Namespace) -> int:
    """Run ``apply``: a trained network or a recipe on every stack."""
    recipe, networks = chosen_recipe(args)
    return _run(args, recipe, suffix_of(recipe), networks)


def chosen_recipe(args: argparse.Namespace, *, methods: bool = False) -> tuple[Recipe, Networks]:
    """Return the recipe that the arguments name, and the networks that it uses.

    Parameters
    ----------
    args : argparse.Namespace
        Parsed arguments.
    methods : bool
        Whether the name of a filter stands for it with its defaults, unless there is a file of that name.

    Raises
    ------
    QuietfieldError
        If it cannot be read, or cannot be run.
    """
    from core.work.networks import Networks

    if methods and not there(args.recipe) and str(args.recipe) in _filters():
        step = _defaults(str(args.recipe))
        return _with_outputs([step], [step.method_for()], args.output), Networks(device=args.device)
    if is_folder(args.recipe) and not is_zarr_name(args.recipe):
        raise QuietfieldError(f"{args.recipe} is a folder. Name a trained network or a recipe.")
    if not there(args.recipe):
        raise QuietfieldError(f"{args.recipe} does not exist. Name a trained network or a recipe.")
    networks = Networks(folders=(args.recipe.parent, *args.models), device=args.device)
    steps = _steps(args.recipe, networks)
    return _with_outputs(
        steps, [step.method_for(networks.prediction) for step in steps], args.output
    ), networks


def _filters() -> set[str]:
    """Return the names of the methods that ``denoise`` runs."""
    from core.catalogue import methods

    return {method.name for method in methods() if USED_BY[method.group] == "denoise"}


def _defaults(name: str) -> Step:
    """Return the step of a method with its defaults."""
    from core.catalogue import create
    from core.work.recipe import Step

    return Step.of(create(name, {}))


def _steps(path: Path, networks: Networks) -> Sequence[Step]:
    """Return the steps of a recipe, or the single step of a trained network."""
    from core.files import read_recipe
    from core.work.recipe import Recipe

    if path.suffix == MODEL_ENDING:
        return [networks.step(path)]
    text = read_recipe(path)
    if not text:
        raise QuietfieldError(
            f"{path} contains no recipe. Name a stack written by Quietfield, a recipe ({RECIPE_ENDING}) or a "
            f"trained network ({MODEL_ENDING})."
        )
    steps = Recipe.from_json(text).steps
    if not steps:
        raise QuietfieldError(f"The recipe in {path} has no steps; there is nothing to do.")
    return steps


def _with_outputs(steps: Sequence[Step], methods: Sequence[Bindable], output: str | None) -> Recipe:
    """Return the recipe with the requested output of the last step, after checking all names."""
    from core.work.recipe import Recipe

    last = steps[-1] if output is None else dataclasses.replace(steps[-1], output=output)
    wanted = [*steps[:-1], last]
    names = [m.outputs[step.position(m)].name for step, m in zip(wanted, methods, strict=True)]
    renamed = (dataclasses.replace(step, output=name) for step, name in zip(wanted, names, strict=True))
    return Recipe(steps=tuple(renamed))


def suffix_of(recipe: Recipe) -> str:
    """Return the suffix of file names."""
    return recipe.steps[-1].produces.label.replace(" ", "_")


def _run(
    args: argparse.Namespace,
    recipe: Recipe,
    suffix: str,
    networks: Networks | None = None,
    choose: Callable[[Source, Progress], Recipe] | None = None,
) -> int:
    """Run a recipe on every stack, or the one that is chosen for it.

    A failure is reported and does not stop the others.
    """
    from core.work.executors import Failed
    from core.work.task import Target, Task

    progress, failed, tasks = Progress(quiet=args.quiet), 0, []
    alone = len(args.stacks) == 1
    for source, target in targets(args.stacks, args.out, suffix, args.format):
        stack, steps = chosen_source(args, source), recipe
        try:
            refuse_to_replace(target, overwrite=args.overwrite, sources=args.stacks)
            if choose is not None:
                steps = choose(stack, progress)
        except QuietfieldError as error:
            if alone:
                raise
            progress.say(f"{source}: {error}")
            failed += 1
            continue
        task = Task(
            recipe=steps,
            source=stack,
            target=Target(path=target, format=args.format, dtype=args.dtype, overwrite=args.overwrite),
            networks=networks.folders if networks else (),
            device=networks.device if networks else "auto",
        )
        tasks.append(task)

    def notify(task: Task, finding: Finding) -> None:
        where = f", channel {int(finding.details['channel']) + 1}" if "channel" in finding.details else ""
        progress.say(f"{_name(task)}{where}: {finding.text}")

    title = args.stacks[0].name if alone else f"{len(tasks)} stacks"
    context = progress.context(title, ", ".join(step.label for step in recipe.steps))
    for outcome in chosen_executor(args).run(tasks, context, notify=notify):
        if not isinstance(outcome, Failed):
            _tell(outcome, progress)
        elif alone:
            raise outcome.error
        else:
            progress.say(f"{_name(outcome.task)}: {outcome.error}")
            failed += 1
    if failed:
        progress.say(f"{failed} of {len(args.stacks)} stacks could not be processed; the others were.")
    return 1 if failed else 0


def _name(task: Task) -> str:
    from core.work.task import Source

    return str(task.source.path) if isinstance(task.source, Source) else task.source.meta.name


def _tell(done: Done, progress: Progress) -> None:
    """Report the written file, as text on stderr and as JSON on stdout."""
    saved = done.saved
    if saved is None:
        raise ValueError("a task without a target wrote nothing")
    for finding in saved.findings:
        progress.say(f"{saved.path}: {finding.text}")
    clipped = f", {saved.clipped} of {saved.total} pixels clipped" if saved.clipped else ""
    progress.say(f"Wrote {saved.path} ({saved.dtype}{clipped}) in {clock(done.seconds)}.")
    found = (*done.findings, *saved.findings)
    facts = {
        "source": _name(done.task), "path": str(saved.path), "dtype": saved.dtype, "format": saved.format,
        "clipped": saved.clipped, "pixels": saved.total, "seconds": round(done.seconds, 3),
        "doubts": [finding.text for finding in found], "findings": [finding.to_dict() for finding in found],
    }  # fmt: skip
    print(json.dumps(facts), flush=True)
