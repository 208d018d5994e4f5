"""The subcommand ``compare``: which method is best for a stack."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.cli.arguments import Parser, add_input, add_quiet, path, seconds, whole
from app.cli.output_paths import make_folder, refuse_to_replace
from app.cli.terminal import Progress, table
from core.errors import QuietfieldError

if TYPE_CHECKING:
    from core.files.atomic import Taken
    from core.methods.base import Method
    from core.stack import Region, Stack


def add_compare(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``compare``."""
    parser.add_argument("stack", type=path, metavar="STACK", help="image file, or folder of planes")
    parser.add_argument(
        "--reference", type=path, metavar="REF",
        help="clean stack of the same size, or one clean plane; without it, errors are estimated",
    )  # fmt: skip
    parser.add_argument(
        "--affine", action="store_true", help="first fit scale and offset of every result to the reference"
    )
    parser.add_argument(
        "--methods", nargs="+", metavar="NAME", default=[],
        help="methods to compare (see 'quietfield methods'); by default Instant and the classic filters, and "
        "with --seconds some networks",
    )  # fmt: skip
    parser.add_argument(
        "--region", metavar="Y:Y,X:X", help="rows and columns to compare, such as 0:512,100:612 "
        "(default: the middle)",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=seconds, default=0.0, metavar="S",
        help="time of the whole comparison; networks share what the other methods and the estimates leave "
        "(default 0: only methods without training)",
    )  # fmt: skip
    parser.add_argument(
        "--as-set",
        action="store_true",
        help="use filters with their default sizes, instead of the sizes with the smallest estimated error",
    )
    parser.add_argument("--seed", type=whole, default=0, metavar="N", help="seed of estimates and networks")
    parser.add_argument(
        "-o", "--out", type=path, metavar="FOLDER",
        help="also write a report (report.html, for any browser), the table (comparison.csv), all figures "
        "(comparison.json) and a recipe for each method without training; the folder is created if necessary",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_input(parser)
    add_quiet(parser)


def run_compare(args: argparse.Namespace) -> int:
    """Run ``compare``: apply methods to a part of a stack, and print a ranking."""
    from core import catalogue
    from core.files import open_stack
    from core.learning.base import Learned
    from core.report import Comparison, names, write_report
    from core.report.tables import facts, rows
    from core.work.contenders import proposed
    from core.work.contest import check_reference, contest, make_judge, part_of

    stack = open_stack(args.stack, series=args.series, axes=args.input_axes)
    reference = open_stack(args.reference) if args.reference is not None else None
    methods: Sequence[Method] = [catalogue.create(name, {}) for name in args.methods]
    methods = methods or proposed(stack, args.seconds)
    for method in methods:
        if method.group == "noise":
            raise QuietfieldError(f"{method.label} adds noise; it cannot be compared with denoising methods.")
        if isinstance(method, Learned) and not args.seconds:
            raise QuietfieldError(f"{method.label} has to be trained. Give the time for that with --seconds.")
    region = part_of(stack) if args.region is None else _region(args.region, stack)
    if args.out is not None:
        make_folder(args.out)
        for name in names(methods):
            refuse_to_replace(args.out / name, overwrite=args.overwrite)
    progress = Progress(quiet=args.quiet)
    for file, opened in ((args.stack, stack), (args.reference, reference)):
        for finding in opened.meta.findings if opened is not None else ():
            progress.say(f"{file}: {finding.text}")
    context = progress.context(args.stack.name)
    judge = make_judge(stack, region, args.seed, context.part(0.0, 0.02))
    if judge is None and reference is None:
        raise QuietfieldError(
            "Without a reference, results cannot be judged here: the part has fewer than 64 x 64 pixels, "
            "most of them are saturated or were never recorded, or they hold no noise. Choose another "
            "--region, or give a --reference."
        )
    entries = list(
        contest(
            stack, methods, region=region, reference=reference, affine=args.affine, tune=not args.as_set,
            seconds=args.seconds, seed=args.seed, judge=judge, context=context.part(0.02, 1.0),
        )
    )  # fmt: skip
    progress.clear()
    if reference is not None and not args.affine:
        for finding in check_reference(stack, reference, region):
            progress.say(f"{args.reference}: {finding.text} Use --affine.")
    doubts = judge.findings if judge is not None else ()
    comparison = Comparison(
        stack=stack, region=region, entries=tuple(entries), when=datetime.now().astimezone(),
        reference=reference, affine=args.affine, tuned=not args.as_set, seconds=args.seconds, seed=args.seed,
        doubts=doubts, options=_opening(args),
    )  # fmt: skip
    verdict = comparison.verdict
    if args.json:
        print(json.dumps(facts(comparison), indent=1))
    else:
        print(table(rows(entries, verdict)))
        print(f"\n{verdict.text}")
        for entry in entries:
            if entry.failure:
                print(f"{entry.method.label}: {entry.failure}")
    if args.out is not None:
        taken: Taken = "replace" if args.overwrite else "refuse"
        written = write_report(args.out, comparison, progress.context(args.stack.name), taken=taken)
        progress.clear()
        progress.say(f"The report is {written[0]}.")
    return 0 if verdict.ranking else 1


def _opening(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the options that say how the stack is opened, as they were given."""
    series = ("--series", str(args.series)) if args.series else ()
    return (*series, *(("--input-axes", args.input_axes) if args.input_axes else ()))


def _region(text: str, stack: Stack) -> Region:
    """Parse rows and columns; the other axes are those of the default part."""
    from core.work.contest import part_of

    try:
        rows, columns = (tuple(int(n) for n in part.split(":")) for part in text.split(","))
        (top, bottom), (left, right) = rows, columns
        parts = [slice(top, bottom), slice(left, right)]
        good = all(0 <= p.start < p.stop <= n for p, n in zip(parts, stack.shape[-2:], strict=True))
    except (ValueError, TypeError):
        good = False
    if not good:
        height, width = stack.shape[-2:]
        raise QuietfieldError(
            f"--region {text} is not a part of {height} rows and {width} columns. Write it as "
            f"FIRST:END,FIRST:END, such as 0:{height},0:{width}."
        )
    return (*part_of(stack)[:-2], *parts)
