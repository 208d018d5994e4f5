"""The subcommand ``psf``: compute, describe and save a point spread function."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.cli.arguments import Parser, add_input, add_quiet, path
from app.cli.output_paths import refuse_to_replace
from app.cli.terminal import Progress, table
from core.errors import QuietfieldError
from core.psf.doubt import unsure_finding
from core.psf.request import HELP

if TYPE_CHECKING:
    from core.psf import Psf


def add_psf(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``psf``."""
    parser.add_argument("psf", metavar="PSF", help=f"what to make the PSF from: {HELP}")
    parser.add_argument(
        "stack", nargs="?", type=path, metavar="STACK",
        help="stack whose pixel size and metadata are used, and from whose pixels the PSF is estimated",
    )  # fmt: skip
    parser.add_argument(
        "-o",
        "--out",
        type=path,
        metavar="FILE",
        help="file to write: .json with everything, or .tif for other programs",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_input(parser)
    add_quiet(parser)


def run_psf(args: argparse.Namespace) -> int:
    """Run ``psf``: make a PSF, describe it, and write it if a file is named."""
    import numpy as np

    from core.files import open_stack
    from core.psf.files import save_psf
    from core.psf.request import parse, resolve
    from core.stack import Stack

    request = parse(args.psf)
    if args.out is not None:
        if args.out.suffix.lower() not in (".json", ".tif", ".tiff"):
            raise QuietfieldError(
                f"{args.out} ends in neither .json nor .tif. Name a file that does with -o."
            )
        refuse_to_replace(args.out, overwrite=args.overwrite)
    if args.stack is None and request.source == "estimate":
        raise QuietfieldError("A PSF is estimated from a stack. Name it after 'estimate'.")
    progress = Progress(quiet=args.quiet)
    stack = (
        Stack.of(np.zeros((1, 1)), "YX", name="the command line")
        if args.stack is None
        else open_stack(args.stack, series=args.series, axes=args.input_axes)
    )
    for finding in stack.meta.findings:
        progress.say(f"{args.stack}: {finding.text}")
    psf = resolve(args.psf, stack, progress.context("PSF"))
    progress.clear()
    if args.out is not None:
        save_psf(args.out, psf, "replace" if args.overwrite else "refuse")
        progress.say(f"Wrote {args.out}.")
    print(json.dumps(psf.to_dict(), indent=1) if args.json else table(_rows(psf), right=False))
    return 0


def _rows(psf: Psf) -> list[tuple[str, str]]:
    sides = " × ".join(str(side) for side in psf.kernel.shape)
    rows = [("PSF", psf.brief), ("size", f"{sides} pixels ({psf.axes})")]
    for axis in psf.axes[::-1]:
        wide = f"{psf.fwhm[axis]:.3g} px"
        if psf.spacing.get(axis):
            wide += f", {psf.fwhm[axis] * psf.spacing[axis]:.3g} µm"
        rows.append((f"FWHM along {axis}", wide))
    rows += [
        (name, f"{value:.6g}" if isinstance(value, float) else value) for name, value in psf.facts.items()
    ]
    if psf.undersampled:
        axes = " and ".join(psf.undersampled)
        rows.append(("note", f"undersampled along {axes}: the PSF is narrower than 2 pixels"))
    unsure = unsure_finding(psf)
    return rows if unsure is None else [*rows, ("note", unsure.text)]
