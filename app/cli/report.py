"""The subcommands that print information: ``info``, ``measure`` and ``methods``."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.cli import noise
from app.cli.arguments import Parser, add_input, add_quiet, allowed, default, path
from app.cli.terminal import Progress, line_width, size, table
from core import params
from core.paths import is_folder
from core.work.command_line import USED_BY, option

if TYPE_CHECKING:
    from core.findings import Finding
    from core.methods.base import Method
    from core.stack import Stack


def add_info(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``info``."""
    parser.add_argument("stack", type=path, metavar="STACK", help="image file, or folder of planes")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--noise", action="store_true",
        help="also estimate the noise of every channel: gain, read noise, correlation of neighbouring pixels",
    )  # fmt: skip
    add_input(parser)


def run_info(args: argparse.Namespace) -> int:
    """Run ``info``: describe the contents of a file."""
    from core.files import list_series, open_series, recipe_in
    from core.recorded import unrecorded

    listed = list_series(args.stack)
    stack = open_series(listed, args.series, axes=args.input_axes)
    series = [one.text for one in listed]
    recipe = "" if is_folder(args.stack) else recipe_in(stack.meta)
    noticed = (*stack.meta.findings, *unrecorded(stack))
    facts = _facts(stack, series, recipe, noticed)
    found = noise.of_channels(stack) if args.noise else ()
    if args.noise:
        facts["noise"] = [noise.facts(estimate) for estimate in found]
    if args.json:
        print(json.dumps(facts, indent=1))
        return 0
    meta = stack.meta
    shape = " × ".join(f"{n} {axis}" for axis, n in stack.sizes.items())
    units = {"T": "s"}
    spacing = ", ".join(f"{axis} {step:g} {units.get(axis, 'µm')}" for axis, step in meta.spacing.items())
    axes = stack.axes if meta.axes_certain else f"{stack.axes} (a guess; see --input-axes)"
    lines = [
        ("name", meta.name), ("format", meta.format),
        ("size", f"{shape}, {stack.dtype.name}, {size(stack.nbytes)}"),
        ("axes", axes),
        ("spacing", spacing or "unknown"), ("channels", ", ".join(meta.channel_names)),
    ]  # fmt: skip
    if len(series) > 1:
        lines += [(f"series {n}", text) for n, text in enumerate(series)]
    lines += [("recipe", "yes: 'quietfield apply' runs it again" if recipe else "")]
    lines += [("note", finding.text) for finding in noticed]
    lines += noise.rows(found, meta.channel_names)
    print(table([line for line in lines if line[1]], right=False))
    return 0


def _facts(
    stack: Stack, series: Sequence[str], recipe: str, findings: Sequence[Finding]
) -> dict[str, object]:
    meta = stack.meta
    return {
        "name": meta.name, "path": str(meta.path) if meta.path else None, "format": meta.format,
        "axes": stack.axes, "axes_certain": meta.axes_certain, "shape": list(stack.shape),
        "dtype": stack.dtype.name, "bytes": stack.nbytes, "spacing": dict(meta.spacing),
        "channels": list(meta.channel_names), "series": list(series),
        "notes": [finding.text for finding in findings],
        "findings": [finding.to_dict() for finding in findings],
        "recipe": json.loads(recipe) if recipe else None,
    }  # fmt: skip


def add_measure(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``measure``."""
    parser.add_argument("image", type=path, metavar="IMAGE", help="stack to measure")
    parser.add_argument(
        "--reference", required=True, type=path, metavar="REF",
        help="reference: a clean stack of the same size, or one clean plane for all planes",
    )  # fmt: skip
    parser.add_argument(
        "--affine",
        action="store_true",
        help="first fit scale and offset of every plane to the reference",
    )
    parser.add_argument(
        "--data-range", type=_positive, metavar="R",
        help="range for PSNR, SSIM and NRMSE (default: maximum minus minimum of each plane of the reference)",
    )  # fmt: skip
    parser.add_argument("--planes", action="store_true", help="also print the metrics of every plane")
    parser.add_argument("--json", action="store_true", help="print JSON, with every plane")
    add_input(parser)
    add_quiet(parser)


def run_measure(args: argparse.Namespace) -> int:
    """Run ``measure``: print the metrics of a stack against a reference."""
    from core.files import open_stack
    from core.quality.metrics import metrics
    from core.quality.stacks import measure_stack

    image = open_stack(args.image, series=args.series, axes=args.input_axes)
    reference = open_stack(args.reference)
    progress = Progress(quiet=args.quiet)
    for file, stack in ((args.image, image), (args.reference, reference)):
        for finding in stack.meta.findings:
            progress.say(f"{file}: {finding.text}")
    found = measure_stack(
        image,
        reference,
        data_range=args.data_range,
        affine=args.affine,
        context=progress.context(args.image.name),
    )
    progress.clear()
    if args.json:
        facts = {
            "image": str(args.image), "reference": str(args.reference), "affine": args.affine,
            "mean": found.mean.to_dict(), "planes": [m.to_dict() for m in found.planes],
        }  # fmt: skip
        print(json.dumps(facts, indent=1))
        return 0
    known = metrics()
    rows = [("", *(f"{m.label} [{m.unit}]" if m.unit else m.label for m in known))]
    if args.planes:
        letters = image.axes[:-2]
        for index, measures in zip(found.indices, found.planes, strict=True):
            place = " ".join(f"{axis} {i + 1}" for axis, i in zip(letters, index, strict=True))
            rows.append((place or "plane", *(m.show(measures[m.name]) for m in known)))
    rows.append(
        (
            f"mean of {found.note}" if len(found.planes) > 1 else image.meta.name,
            *(m.show(found.mean[m.name]) for m in known),
        )
    )
    print(table(rows))
    return 0


def add_methods(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``methods``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the parameters of this method")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_methods(args: argparse.Namespace) -> int:
    """Run ``methods``: list the methods, or the parameters of one."""
    from core.catalogue import find, methods
    from core.methods.base import summary

    if args.name is not None:
        _one_method(find(args.name), as_json=args.json)
        return 0
    if args.json:
        print(json.dumps([_method_facts(m) for m in methods()], indent=1))
        return 0
    words = {
        "instant": "Trained network", "filter": "Classic filters", "noise": "Simulated noise",
        "learned": "Networks to train",
    }  # fmt: skip
    blocks = []
    for group, command in USED_BY.items():
        rows = [(f"  {m.name}", m.label, summary(m)) for m in methods(group)]
        if rows:
            lines = table(rows, right=False, width=line_width())
            blocks.append(f"{words[group]} (quietfield {command} --method NAME)\n{lines}")
    print("\n\n".join(blocks))
    print("\n'quietfield methods NAME' shows the parameters of one.")
    return 0


def _one_method(cls: type[Method], *, as_json: bool) -> None:
    import inspect

    if as_json:
        print(json.dumps(_method_facts(cls), indent=1))
        return
    print(f"{cls.label}, version {cls.version}: quietfield {USED_BY[cls.group]} --method {cls.name}\n")
    print(f"{inspect.getdoc(cls)}\n")
    rows = [("option", "default", "allowed", "meaning")]
    for p in params.describe(cls):
        meaning = f"{p.label}. {p.help}" if p.help else p.label
        rows.append((option(p.name), default(p), allowed(p), meaning))
    print(table(rows, right=False, width=line_width()))
    for name, preset in getattr(cls, "presets", {}).items():
        print(f"\n--preset {name}: {preset.help}")


def _method_facts(cls: type[Method]) -> dict[str, object]:
    import inspect

    from core.learning.base import Learned

    presets = {name: cls.preset_values(name) for name in cls.presets} if issubclass(cls, Learned) else {}
    described = [
        {
            "name": p.name, "kind": p.kind, "default": p.default, "label": p.label, "help": p.help,
            "unit": p.unit, "from": p.ge, "above": p.gt, "to": p.le, "odd": p.odd,
            "choices": dict(p.choices), "advanced": p.advanced,
        }
        for p in params.describe(cls)
    ]  # fmt: skip
    return {
        "name": cls.name, "label": cls.label, "group": cls.group, "version": cls.version,
        "description": inspect.getdoc(cls), "parameters": described,
        "presets": presets,
    }  # fmt: skip


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0.")
    return number
