"""The subcommand ``noise-model``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.cli.arguments import Parser, Usage, add_input, add_quiet, path
from app.cli.output_paths import refuse_to_replace
from app.cli.terminal import Progress, table
from core.paths import is_folder

if TYPE_CHECKING:
    from core.noise.models import NoiseModel
    from core.noise.pairs import Levels

KINDS = ("mixture", "histogram", "poisson-gaussian")
SOURCES = ("auto", "repeats", "denoised")


def add_noise_model(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``noise-model``."""
    parser.add_argument(
        "stack", type=path, metavar="STACK",
        help="repeated frames of any static scene (a calibration of the camera), or the noisy stack itself",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--out", required=True, type=path, metavar="FILE", help="file of the noise model (JSON)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--kind", choices=KINDS, default=KINDS[0],
        help="mixture of Gaussians (default), histogram (for large calibrations), or the straight line of "
        "photon noise",
    )  # fmt: skip
    parser.add_argument(
        "--from", choices=SOURCES, default=SOURCES[0], dest="source",
        help="signal of a pixel: the mean of repeated frames, or a denoised stack (default: repeats if the "
        "frames show a static scene)",
    )  # fmt: skip
    parser.add_argument(
        "--denoised", type=path, metavar="STACK",
        help="denoised result of STACK, such as that of a network (default: the result of Instant)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_input(parser)
    add_quiet(parser)


def run_noise_model(args: argparse.Namespace) -> int:
    """Run ``noise-model``: fit a noise model, write it, and print it beside the measured noise."""
    from core.errors import QuietfieldError
    from core.files import open_stack
    from core.noise.model_text import save_models
    from core.work.noise_models import make

    if is_folder(args.out):
        raise QuietfieldError(f"{args.out} is a folder. Name a file with -o.")
    if args.denoised is not None and args.source == "repeats":
        raise Usage("--denoised does not go with --from repeats.", "noise-model")
    refuse_to_replace(args.out, overwrite=args.overwrite)
    progress = Progress(quiet=args.quiet)
    stack = open_stack(args.stack, series=args.series, axes=args.input_axes)
    denoised = None if args.denoised is None else open_stack(args.denoised)
    context = progress.context(args.stack.name)
    made = make(stack, args.kind, source=args.source, denoised=denoised, context=context)
    progress.clear()
    for finding in (*stack.meta.findings, *made.measured.findings):
        progress.say(finding.text)
    saved = save_models(args.out, made.models, "replace" if args.overwrite else "refuse")
    pairs = list(zip(made.models.channels, made.measured.levels, strict=True))
    if args.json:
        channels = [_facts(model, levels) for model, levels in pairs]
        facts = {
            "file": str(saved), "kind": args.kind, "from": made.measured.method, "channels": channels,
            "findings": [finding.to_dict() for finding in made.measured.findings],
        }  # fmt: skip
        print(json.dumps(facts, indent=1))
        return 0
    for number, (model, levels) in enumerate(pairs):
        if len(pairs) > 1:
            print(f"channel {number + 1}")
        rows = [("signal", "measured noise", "model", "pixels")]
        for signal, measured, modelled, count in _rows(model, levels):
            rows.append((f"{signal:.4g}", f"{measured:.4g}", f"{modelled:.4g}", f"{count:,.0f}"))
        print(table(rows))
    print(f"Wrote {saved}: {args.kind} from {made.models.source}.")
    return 0


def _rows(model: NoiseModel, levels: Levels) -> list[tuple[float, float, float, float]]:
    """Return signal, measured and modelled standard deviation, and number of pixels at some levels."""
    modelled = model.variance(levels.signal) ** 0.5
    every = max(1, len(levels.signal) // 12)
    columns = (levels.signal, levels.variance**0.5, modelled, levels.pairs)
    return list(zip(*(column[::every].tolist() for column in columns), strict=True))


def _facts(model: NoiseModel, levels: Levels) -> dict[str, object]:
    names = ("signal", "measured", "model", "pixels")
    rows = [dict(zip(names, row, strict=True)) for row in _rows(model, levels)]
    return {"low": levels.low, "high": levels.high, "levels": rows}
