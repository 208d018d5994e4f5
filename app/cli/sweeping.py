"""The subcommand ``sweep``: train with several widths of the PSF, and say which one the data prefer."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import Parser, Usage, add_input, add_quiet, path
from app.cli.output_paths import make_folder, refuse_to_replace
from app.cli.process import DEVICE_HELP
from app.cli.terminal import Progress, table
from core.paths import MODEL_ENDING, TIFF_ENDINGS, split_ending

if TYPE_CHECKING:
    from core.learning.methods.blurred import Blurred
    from core.work.sweep import Swept


def add_sweep(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``sweep``."""
    parser.add_argument("stack", type=path, metavar="STACK", help="noisy image file, or folder of planes")
    parser.add_argument(
        "--sigma", nargs="+", type=float, default=[0.5, 1.0, 1.5], metavar="X",
        help="standard deviations of the PSF to try, in pixels (default 0.5 1 1.5)",
    )  # fmt: skip
    parser.add_argument(
        "--method",
        default="deconoising",
        choices=("deconoising", "n2v-conv"),
        help="method (default deconoising)",
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="X", help="training time for each sigma (default 60)"
    )
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="training steps instead of a time")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all trainings (default 0)")
    parser.add_argument(
        "-o", "--out", type=path, metavar="FOLDER",
        help="folder for the results and networks of all sigmas; without it, only the table is printed",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--device", default="auto", metavar="NAME", help=DEVICE_HELP)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_input(parser)
    add_quiet(parser)


def run_sweep(args: argparse.Namespace) -> int:
    """Run ``sweep``: write every result as soon as it is complete, and print the ranked table."""
    from core.catalogue import create
    from core.files import open_stack
    from core.learning.methods.blurred import Blurred
    from core.work.compare import Budget
    from core.work.sweep import check_sigmas, find_estimate, rank, sweep, verdict

    if not math.isfinite(args.seconds) or args.seconds <= 0 or args.steps < 0:
        raise Usage("The training time and the number of steps must be above 0.", "sweep")
    sigmas = check_sigmas(args.sigma)
    stack = open_stack(args.stack, series=args.series, axes=args.input_axes)
    limits = {"steps": args.steps, "seconds": 0.0} if args.steps else {"steps": 0, "seconds": args.seconds}
    method = create(args.method, {**limits, "seed": args.seed})
    assert isinstance(method, Blurred)
    if args.out is not None:
        make_folder(args.out)
    for sigma in sigmas if args.out is not None else ():
        for file in _files(args.out, args.stack, method, sigma).values():
            refuse_to_replace(file, overwrite=args.overwrite)
    progress = Progress(quiet=args.quiet)
    for finding in stack.meta.findings:
        progress.say(f"{args.stack}: {finding.text}")
    context = progress.context(args.stack.name)
    estimate, why_not = find_estimate(stack, context.part(0.0, 0.1))
    if why_not:
        progress.say(why_not)
    budget = Budget(seconds=0.0, device=args.device)
    swept: list[Swept] = []
    training = context.part(0.1, 1.0)
    for one in sweep(stack, method, sigmas, budget=budget, estimate=estimate, context=training):
        swept.append(one)
        if args.out is not None:
            _write(args, one, method)
            progress.say(f"Sigma {one.sigma:g} px: wrote the results to {args.out}.")
    progress.clear()
    ranked = rank(swept)
    words = verdict(swept, estimate, why_not)
    facts = {
        "preferred": ranked[0].sigma, "estimate": None if estimate is None else round(estimate.sigma, 4),
        "error": None if estimate is None or not math.isfinite(estimate.error) else round(estimate.error, 4),
        "verdict": words, "sigmas": [_facts(one) for one in ranked],
    }  # fmt: skip
    if args.json:
        print(json.dumps(facts, indent=1))
        return 0
    rows = [("sigma [px]", "misfit of hidden pixels", "loss of the network", "seconds")]
    rows += [
        (f"{one.sigma:g}", f"{one.misfit:.4f}", f"{one.loss:.4f}", f"{one.compared.seconds:.0f}")
        for one in ranked
    ]
    print(table(rows))
    print(words)
    return 0


def _facts(one: Swept) -> dict[str, object]:
    numbers = {"sigma": one.sigma, "misfit": one.misfit, "loss": one.loss, "seconds": one.compared.seconds}
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def _files(folder: Path, source: Path, method: Blurred, sigma: float) -> dict[str, Path]:
    """Return the files of one sigma: one for each output, and the network."""
    stem = f"{split_ending(source)[0]}_sigma{sigma:g}"
    found = {output.name: folder / f"{stem}_{output.name}{TIFF_ENDINGS[0]}" for output in method.outputs}
    return {**found, "network": folder / f"{stem}{MODEL_ENDING}"}


def _write(args: argparse.Namespace, one: Swept, method: Blurred) -> None:
    from core.checkpoint import save_model
    from core.files import Taken, save_stack
    from core.fingerprint import fingerprint
    from core.work.recipe import Recipe, Step

    files = _files(args.out, args.stack, method, one.sigma)
    how: Taken = "replace" if args.overwrite else "refuse"
    assert one.compared.model is not None
    file = save_model(files["network"], one.compared.model, resumable=False, taken=how)
    for output, stack in zip(method.outputs, one.compared.stacks, strict=True):
        step = Step.of(one.compared.model.method, model=file, output=output)
        source = dict(one.compared.model.record.source)
        recipe = Recipe(steps=(step,), source=source or fingerprint(stack))
        save_stack(files[output.name], stack, dtype="float32", recipe=recipe.to_json(), taken=how)
