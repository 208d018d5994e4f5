"""The subcommand ``noise``: everything that is known of the noise of a stack."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.cli.arguments import Parser, add_camera, add_input, add_quiet, add_without, chosen_source, path
from app.cli.terminal import Progress, line_width, table

if TYPE_CHECKING:
    from core.noise.report import Entry, NoiseReport

MARKS = {"good": "ok", "tip": "tip", "caution": "caution", "stop": "stop"}
"""Word for each traffic light."""


def add_noise(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``noise``."""
    parser.add_argument("stack", type=path, metavar="STACK", help="image file, or folder of planes")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    add_input(parser)
    add_camera(parser)
    add_without(parser)
    add_quiet(parser)


def run_noise(args: argparse.Namespace) -> int:
    """Run ``noise``: measure and print the noise of a stack."""
    from core.noise.report import report_noise

    stack = chosen_source(args, args.stack).open()
    progress = Progress(quiet=args.quiet)
    for finding in stack.meta.findings:
        progress.say(f"{args.stack}: {finding.text}")
    report = report_noise(stack, progress.context(args.stack.name))
    progress.clear()
    print(json.dumps(report.to_dict(), indent=1) if args.json else in_words(report))
    return 0


def in_words(report: NoiseReport) -> str:
    """Return a report as text: a table of values, then the sentences and what to do."""
    lines = []
    if len(report.channels) == 1:
        lines += _lines(report.lines(0))
    else:
        lines += _lines(report.entries)
        for number, channel in enumerate(report.channels, start=1):
            lines += [f"\nChannel {number}" + (f", {channel.name}" if channel.name else "")]
            lines += _lines(channel.entries)
    return "\n".join(lines)


def _lines(entries: Sequence[Entry]) -> list[str]:
    rows = [(entry.title, entry.text, MARKS[entry.light], _sentence(entry)) for entry in entries]
    return [table(rows, right=False, width=line_width())]


def _sentence(entry: Entry) -> str:
    proposal = entry.finding.proposal
    return entry.finding.text + (f" [{_option(entry)}]" if proposal is not None and _option(entry) else "")


def _option(entry: Entry) -> str:
    """Return the options of the command line for a proposal; "" if it has none."""
    proposal = entry.finding.proposal
    if proposal is not None and proposal.action == "leave-out":
        things = "frames" if proposal.params["axis"] == "T" else "planes"
        numbers = ",".join(str(int(word) + 1) for word in str(proposal.params["indices"]).split())
        return f"--without-{things} {numbers}"
    if proposal is None or not proposal.method:
        return ""
    params = (f"--{name.replace('_', '-')} {value}" for name, value in proposal.params.items())
    return " ".join((f"--method {proposal.method}", *params))
