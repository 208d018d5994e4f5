"""The subcommand ``run``: a recipe on many files and folders, with a manifest, which can be resumed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.arguments import (
    DTYPES,
    FORMATS,
    Parser,
    add_camera,
    add_input,
    add_quiet,
    add_without,
    chosen_source,
    path,
    whole,
)
from app.cli.process import add_recipe, chosen_recipe, suffix_of
from app.cli.terminal import Progress
from app.shell.durations import clock
from core.errors import QuietfieldError

if TYPE_CHECKING:
    from core.work.manifest import Row


def add_run(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``run``."""
    add_recipe(parser, "; or the name of a filter, such as instant, with its defaults")
    parser.add_argument(
        "stacks", nargs="+", type=path, metavar="FILE_OR_FOLDER",
        help="image files; folders, which stand for all images in them and in their subfolders; patterns "
        "such as 'data/*.nd2'",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--out", required=True, type=path, metavar="OUT",
        help="folder for the results and the manifest (manifest.csv, manifest.json); made if necessary",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=whole, default=1, metavar="N",
        help="files that are processed at the same time, each in its own process; fewer if their memory does "
        "not suffice (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true",
        help="continue the batch in OUT: results whose source and recipe have not changed are kept",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace existing results and manifest")
    parser.add_argument("--format", choices=FORMATS, help="kind of the files to write (default: ImageJ TIFF)")
    parser.add_argument(
        "--dtype", choices=DTYPES, default="source",
        help="type of the written pixels; integers are rounded and clipped (default: type of the source)",
    )  # fmt: skip
    add_input(parser)
    add_camera(parser)
    add_without(parser)
    add_quiet(parser)


def run_run(args: argparse.Namespace) -> int:
    """Run ``run``: a recipe on every file; a failure is reported and does not stop the others."""
    from core.files.gathering import gather, without_parts
    from core.work.batch import CSV_NAME, Batch, choose_workers, run_batch
    from core.work.executors import Here, Processes

    if args.workers < 1:
        raise QuietfieldError("--workers 0 would process nothing. Name a number from 1.")
    if any(one.resolve() == args.out.resolve() for one in args.stacks):
        raise QuietfieldError(f"{args.out} is the folder of the sources. Name another folder with -o.")
    recipe, networks = chosen_recipe(args, methods=True)
    progress = Progress(quiet=args.quiet)
    named = gather(args.stacks, without=args.out)
    files = without_parts(named, progress.context("Reading headers"))
    if len(files) < len(named):
        progress.say(f"{len(named) - len(files)} files are parts of stacks that other files open.")
    batch = Batch(
        recipe=recipe, sources=tuple(chosen_source(args, file.absolute()) for file in files), folder=args.out,
        suffix=suffix_of(recipe), format=args.format, dtype=args.dtype, overwrite=args.overwrite,
        networks=tuple(folder.absolute() for folder in networks.folders), device=networks.device,
    )  # fmt: skip
    workers = min(args.workers, len(files))
    if workers > 1:
        workers = choose_workers(batch, workers)
        if workers < min(args.workers, len(files)):
            progress.say(f"The memory suffices for {workers} of {args.workers} workers.")
    executor = Processes(workers=workers) if workers > 1 else Here()
    context = progress.context(f"{len(files)} files", ", ".join(step.label for step in recipe.steps))
    states = []
    with closing(run_batch(batch, executor, context, resume=args.resume)) as rows:
        for row in rows:
            states.append(row.state)
            _tell(row, args.out, progress)
    failed = states.count("failed")
    if failed:
        progress.say(
            f"{failed} of {len(states)} files could not be processed; {args.out / CSV_NAME} says why."
        )
    return 1 if failed else 0


def _tell(row: Row, folder: Path, progress: Progress) -> None:
    """Report a row, as text on stderr and as JSON on stdout."""
    print(json.dumps({**row.to_dict(), "result": str(folder / row.result)}), flush=True)
    name = Path(row.source).name
    if row.state == "failed":
        progress.say(f"{name}: {row.error}")
        return
    for finding in row.findings:
        progress.say(f"{name}: {finding.get('text', '')}")
    progress.say(f"{name}: result in {folder / row.result} ({clock(row.seconds)}).")
