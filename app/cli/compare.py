"""The subcommand ``compare``: which method is best for a stack."""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import Parser, add_input, add_quiet, path, seconds, whole
from app.cli.output_paths import make_folder, refuse_to_replace
from app.cli.terminal import Progress, table
from core.errors import QuietfieldError
from core.paths import RECIPE_ENDING

if TYPE_CHECKING:
    from core.files.atomic import Taken
    from core.findings import Finding
    from core.methods.base import Method
    from core.stack import Region, Stack
    from core.work.contest import Entry
    from core.work.verdict import Verdict

TABLE, FACTS = "comparison.csv", "comparison.json"
"""Names of the written files."""


def add_compare(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``compare``."""
    parser.add_argument("stack", type=path, metavar="STACK", help="TIFF file, or folder of planes")
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
        help=f"also write the table ({TABLE}), all figures ({FACTS}) and a recipe for each method without "
        "training; the folder is created if necessary",
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
    from core.work.contenders import proposed
    from core.work.contest import contest, make_judge, part_of
    from core.work.verdict import judge_entries

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
        for name in (TABLE, FACTS, *(_recipe_name(method) for method in methods)):
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
    doubts = judge.findings if judge is not None else ()
    verdict = judge_entries(entries, doubts)
    facts = _facts(args, region, entries, verdict, doubts)
    if args.json:
        print(json.dumps(facts, indent=1))
    else:
        print(table(_rows(entries, verdict)))
        print(f"\n{verdict.text}")
        for entry in entries:
            if entry.failure:
                print(f"{entry.method.label}: {entry.failure}")
    if args.out is not None:
        _write(args.out, facts, entries, verdict, "replace" if args.overwrite else "refuse")
    return 0 if verdict.ranking else 1


def _rows(entries: Sequence[Entry], verdict: Verdict) -> list[tuple[str, ...]]:
    """Return the table, best first; estimates are called so."""
    reference = any(entry.measures is not None for entry in entries)
    heads = ("PSNR [dB]", "SI-PSNR [dB]", "SSIM", "MicroSSIM") if reference else ()
    rows = [("method", *heads, "estimated PSNR [dB]", "remaining noise variance", "seconds")]
    for entry in verdict.ranking:
        measures = entry.measures
        true = () if measures is None else (
            f"{measures['psnr']:.2f}", f"{measures['si_psnr']:.2f}", f"{measures['ssim']:.4f}",
            f"{measures['microssim']:.4f}",
        )  # fmt: skip
        rows.append((entry.label, *true, *_estimate(entry), f"{entry.seconds:.2f}"))
    return rows


def _estimate(entry: Entry) -> tuple[str, str]:
    if entry.judged is None:
        return "-", "-"
    low, high = (f"{value:.1f}" if math.isfinite(value) else "?" for value in entry.judged.interval)
    share, error = 100 * entry.judged.share, 200 * entry.judged.share_error
    middle = f"{entry.judged.psnr:.1f} " if math.isfinite(entry.judged.psnr) else ""
    return f"{middle}({low} to {high})", f"{share:.1f} ± {error:.1f} %"


def _facts(
    args: argparse.Namespace,
    region: Region,
    entries: Sequence[Entry],
    verdict: Verdict,
    doubts: Sequence[Finding],
) -> dict[str, object]:
    from core.work.recipe import Step

    order = {id(entry): place for place, entry in enumerate(verdict.ranking, 1)}
    found = []
    for entry in sorted(entries, key=lambda one: order.get(id(one), math.inf)):
        judged = entry.judged
        found.append(
            {
                "place": order.get(id(entry)), "label": entry.label, "step": Step.of(entry.method).to_dict(),
                "seconds": entry.seconds, "failure": entry.failure,
                "metrics": entry.measures.to_dict() if entry.measures is not None else None,
                "estimate": None if judged is None else {
                    "psnr": _number(judged.psnr), "interval": [_number(value) for value in judged.interval],
                    "range": judged.span, "mse": judged.mse, "noise_variance": judged.noise,
                    "remaining": judged.share, "standard_error": judged.share_error, "draws": judged.draws,
                    "findings": [finding.to_dict() for finding in judged.findings],
                },
            }
        )  # fmt: skip
    return {
        "stack": str(args.stack), "reference": str(args.reference) if args.reference else None,
        "affine": args.affine, "seed": args.seed, "training_seconds": args.seconds,
        "region": [[part.start, part.stop] for part in region], "verdict": verdict.text,
        "certain": verdict.certain, "findings": [finding.to_dict() for finding in doubts], "methods": found,
    }  # fmt: skip


def _write(
    folder: Path, facts: dict[str, object], entries: Sequence[Entry], verdict: Verdict, taken: Taken
) -> None:
    """Write the table, all figures, and a recipe for each method that needs no training."""
    from core.files.atomic import writing
    from core.learning.base import Learned
    from core.work.recipe import Recipe, Step

    with (
        writing(folder / TABLE, taken) as draft,
        draft.part.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file).writerows(_rows(entries, verdict))
    with writing(folder / FACTS, taken) as draft:
        draft.part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    for entry in verdict.ranking:
        if not isinstance(entry.method, Learned):
            recipe = Recipe(steps=(Step.of(entry.method),))
            with writing(folder / _recipe_name(entry.method), taken) as draft:
                draft.part.write_text(recipe.to_json(), encoding="utf-8")


def _recipe_name(method: Method) -> str:
    return f"{method.name}{RECIPE_ENDING}"


def _region(text: str, stack: Stack) -> Region:
    """Parse rows and columns; the other axes are those of the default part."""
    from core.work.contest import part_of

    try:
        rows, columns = (tuple(int(n) for n in part.split(":")) for part in text.split(","))
        parts = [slice(*rows), slice(*columns)]
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


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
