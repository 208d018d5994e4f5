"""The subcommand ``camera``: calibrate a camera, list, show and remove calibrations."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.cli.arguments import Parser, Usage, add_input, add_quiet, path
from app.cli.terminal import Progress, table

if TYPE_CHECKING:
    from core.noise.calibration import Calibration


def add_camera_command(parser: Parser, argv: Sequence[str]) -> None:  # noqa: ARG001
    """Add the options of ``camera``."""
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME",
        help="name of the camera and its mode; without it, all calibrated cameras are listed",
    )  # fmt: skip
    making = parser.add_argument_group("calibrating")
    making.add_argument(
        "--dark", type=path, metavar="STACK", help="frames without light: they give offset and read noise"
    )
    making.add_argument(
        "--flat", type=path, metavar="STACK", help="frames of a uniform light: they give the gain"
    )
    making.add_argument(
        "--repeats", type=path, metavar="STACK",
        help="frames of one static scene, if there is no flat stack; they give the gain, and the offset if "
        "parts are dark",
    )  # fmt: skip
    making.add_argument("--overwrite", action="store_true", help="replace the calibration of this name")
    parser.add_argument("--remove", action="store_true", help="remove the calibration of this name")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_input(parser)
    add_quiet(parser)


def run_camera(args: argparse.Namespace) -> int:
    """Run ``camera``: calibrate, list, show or remove."""
    from core.noise.cameras import load_camera, remove_camera, save_camera, saved_cameras

    stacks = [one for one in (args.dark, args.flat, args.repeats) if one is not None]
    if (stacks or args.remove) and not args.name:
        raise Usage("The following arguments are required: NAME.", "camera")
    if stacks and args.remove:
        raise Usage("--remove does not go with --dark, --flat and --repeats.", "camera")
    if args.remove:
        remove_camera(args.name)
        print(f"Removed the camera {args.name}.")
        return 0
    if stacks:
        made = _calibrate(args)
        saved = save_camera(made, overwrite=args.overwrite)
        print(json.dumps(made.to_dict(), indent=1) if args.json else f"{in_words(made)}\nWrote {saved}.")
        return 0
    if args.name:
        known = load_camera(args.name)
        print(json.dumps(known.to_dict(), indent=1) if args.json else in_words(known))
        return 0
    names = saved_cameras()
    if args.json:
        print(json.dumps({"cameras": list(names)}, indent=1))
    else:
        print(
            "\n".join(names) or "No camera is calibrated yet: quietfield camera NAME --dark DARK --flat FLAT"
        )
    return 0


def _calibrate(args: argparse.Namespace) -> Calibration:
    from core.files import open_stack
    from core.noise.calibrating import calibrate
    from core.noise.cameras import check_name

    check_name(args.name, overwrite=args.overwrite)
    progress = Progress(quiet=args.quiet)
    opened = {
        what: open_stack(file, series=args.series, axes=args.input_axes)
        for what, file in (("dark", args.dark), ("flat", args.flat), ("repeats", args.repeats))
        if file is not None
    }
    for stack in opened.values():
        for finding in stack.meta.findings:
            progress.say(f"{stack.meta.name}: {finding.text}")
    made = calibrate(args.name, **opened, context=progress.context(args.name))
    progress.clear()
    return made


def in_words(camera: Calibration) -> str:
    """Return a calibration as a table."""
    rows = [("camera", camera.name), ("made from", camera.made_from)]
    for title, value, error, unit in (
        ("gain", camera.gain, camera.gain_error, "counts per photon"),
        ("offset", camera.offset, camera.offset_error, "counts"),
        ("read noise", camera.read_noise, camera.read_noise_error, "counts"),
    ):
        known = f"{value:.4g} ± {2 * (error or 0.0):.2g} {unit}" if value is not None else "unknown"
        rows.append((title, known))
    if camera.pattern:
        rows.append(("fixed pattern", f"{camera.pattern:.3g} counts from pixel to pixel"))
    rows.append(("pixels", f"{camera.shape[1]} × {camera.shape[0]}, {camera.dtype}"))
    return table(rows, right=False)
