"""The subcommand ``simulate``: a whole experiment, or noise on clean stacks."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

from app.cli.arguments import (
    Parser,
    Usage,
    add_executor,
    add_input,
    add_method,
    add_output,
    add_parameters,
    add_quiet,
    chosen_method,
    given,
    path,
)
from app.cli.output_paths import refuse_to_replace
from app.cli.process import run_method
from app.cli.terminal import Progress
from app.shell.durations import clock
from core.paths import split_ending


def add_simulate(parser: Parser, argv: Sequence[str]) -> None:
    """Add the options of ``simulate``: of a noise method if one is named, else of an experiment."""
    adding = chosen_method(argv) is not None
    parser.add_argument(
        "stacks", nargs="+" if adding else "*", type=path, metavar="STACK",
        help="clean image file or folder of planes to add noise to; without any, a specimen is simulated",
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
            help="file of the ground truth (default: OUT with _truth at the end of its name)",
        )  # fmt: skip
    add_executor(parser, argv)
    add_output(parser)
    add_input(parser)
    add_quiet(parser)


def run_simulate(args: argparse.Namespace) -> int:
    """Run ``simulate``: add noise to every stack, or simulate a noisy stack and its ground truth."""
    if args.method is not None:
        return run_method(args)
    if args.stacks:
        raise Usage("The following arguments are required: --method.", "simulate")
    from core import params
    from core.files import Taken, save_stack
    from core.simulation.experiment import Simulation

    stem, ending = split_ending(args.out)
    truth = args.truth or args.out.with_name(f"{stem}_truth{ending}")
    if truth.resolve() == args.out.resolve():
        raise Usage(
            "The stack and its ground truth have the same file. Name another with --truth.", "simulate"
        )
    for target in (args.out, truth):
        refuse_to_replace(target, overwrite=args.overwrite)
    started, progress = time.monotonic(), Progress(quiet=args.quiet)
    made = params.build(Simulation, given(args)).run(progress.context(args.out.name, "Simulation"))
    dtypes = made.noisy.dtype.name if args.dtype == "source" else args.dtype, "float32"
    taken: Taken = "replace" if args.overwrite else "refuse"
    for target, stack, dtype in zip((args.out, truth), (made.noisy, made.clean), dtypes, strict=True):
        save_stack(target, stack, format=args.format, dtype=dtype, taken=taken)
    seconds = time.monotonic() - started
    progress.say(f"Wrote {args.out} and its ground truth, {truth}, in {clock(seconds)}.")
    print(json.dumps({"path": str(args.out), "truth": str(truth), "seconds": round(seconds, 3)}), flush=True)
    return 0
