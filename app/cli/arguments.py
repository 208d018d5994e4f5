"""Shared options of the subcommands, and options generated from the parameters of a method."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol

from core import params
from core.errors import QuietfieldError
from core.methods.base import Group
from core.params import Param, Value
from core.work.command_line import USED_BY, option

if TYPE_CHECKING:  # imports file access, which the help does not need
    from core.work.executors import Executor
    from core.work.task import Source

COMMANDS = (
    "info", "noise", "noise-model", "camera", "denoise", "train", "sweep",
    "psf", "apply", "run", "measure", "compare", "simulate", "methods",
)  # fmt: skip
"""All subcommands, in the order of the help."""

AUTO = "auto"
"""Value of a parameter that is chosen by the estimated error."""

PREFIX, EXECUTOR_PREFIX = "param_", "executor_param_"
"""Prefixes of the names of parameter values among the parsed options."""

FORMATS = ("imagej", "ome", "zarr", "zarr-sharded")

DTYPES = ("source", "uint8", "uint16", "int16", "uint32", "int32", "float32")


class Described(Protocol):
    """A class whose dataclass fields are parameters."""

    name: ClassVar[str]
    label: ClassVar[str]


class Usage(Exception):
    """An invalid command line: the error message, and the subcommand ("" for none)."""

    def __init__(self, message: str, command: str = "") -> None:
        super().__init__(message)
        self.command = command


class Parser(argparse.ArgumentParser):
    """A parser that accepts no abbreviations and raises `Usage` instead of exiting."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise `Usage` with a complete sentence."""
        text = message[:1].upper() + message[1:]
        raise Usage(text if text.endswith((".", "?")) else f"{text}.", self.prog.partition(" ")[2])

    def options(self) -> tuple[str, ...]:
        """Return all options, such as ``--sigma``."""
        return tuple(s for action in self._actions for s in action.option_strings if s.startswith("--"))


def chosen_method(argv: Sequence[str]) -> str | None:
    """Return the name after ``--method``, so that the options of this method can be added to the parser."""
    return _following("--method", argv)


def _following(wanted: str, argv: Sequence[str]) -> str | None:
    """Return the value of an option before the command line is parsed; None if it is missing."""
    for word, following in zip(argv, (*argv[1:], None), strict=True):
        if word == "--":
            return None
        if word == wanted:
            return following
        if word.startswith(f"{wanted}="):
            return word.partition("=")[2]
    return None


def add_executor(parser: Parser, argv: Sequence[str]) -> None:
    """Add ``--executor``, and an option for each parameter of the named executor."""
    from core.work.executors import Here, executors, find

    words = "; ".join(f"{cls.name} ({cls.label.lower()})" for cls in executors())
    parser.add_argument(
        "--executor", default=Here.name, metavar="NAME", help=f"where several stacks are processed: {words}"
    )
    name = _following("--executor", argv)
    if name is None:
        return
    try:
        cls = find(name)
    except QuietfieldError as error:
        raise Usage(str(error), parser.prog.partition(" ")[2]) from error
    if params.describe(cls):
        add_parameters(parser, cls, prefix=EXECUTOR_PREFIX)


def chosen_executor(args: argparse.Namespace) -> Executor:
    """Return the executor that the arguments select."""
    from core.work.executors import find

    return params.build(find(args.executor), given(args, EXECUTOR_PREFIX))


def add_method(parser: Parser, group: Group, argv: Sequence[str], *, required: bool = True) -> None:
    """Add ``--method`` and, if a method is named, an option for each of its parameters."""
    from core.catalogue import find, methods

    here = [m for m in methods() if USED_BY[m.group] == USED_BY[group]]
    names = [m.name for m in here]
    parser.add_argument(
        "--method", required=required, metavar="NAME", help=f"one of: {', '.join(names)}"
    )  # fmt: skip
    name = chosen_method(argv)
    if name is None:
        parser.epilog = "Name a method to see its options: --method NAME --help."
        if not required:  # what the file names that is gone on from
            add_parameters(parser, *here)
        return
    try:
        cls = find(name)
    except QuietfieldError as error:
        raise Usage(str(error), parser.prog.partition(" ")[2]) from error
    if cls not in here:
        raise Usage(
            f"{cls.label} ({name}) does not belong to this command; it is run by "
            f"'quietfield {USED_BY[cls.group]}'. Here you can choose: {', '.join(names)}.",
            parser.prog.partition(" ")[2],
        )
    add_parameters(parser, cls)


def add_parameters(parser: Parser, *classes: type[Described], prefix: str = PREFIX) -> None:
    """Add an option for each parameter of one or several classes."""
    one = f"{classes[0].name} ({classes[0].label})"
    options = parser.add_argument_group(f"options of {one if len(classes) == 1 else 'the methods'}")
    described = {p.name: p for cls in reversed(classes) for p in params.describe(cls)}
    if any(p.auto for p in described.values()):
        names = " and ".join(option(p.name) for p in described.values() if p.auto)
        options.add_argument(
            "--auto", action="store_true",
            help=f"choose {names} for each stack by the error that is estimated without a reference",
        )  # fmt: skip
    for p in described.values():
        if p.kind == "bool":
            options.add_argument(
                option(p.name), dest=prefix + p.name, action=argparse.BooleanOptionalAction,
                default=argparse.SUPPRESS, help=_percent(explain(p)),
            )  # fmt: skip
        else:
            options.add_argument(
                option(p.name), dest=prefix + p.name, type=_reader(p), default=argparse.SUPPRESS,
                metavar=metavar(p), help=_percent(explain(p)),
            )  # fmt: skip


def metavar(p: Param) -> str:
    """Return the placeholder of a value in the help."""
    if p.kind == "choice":
        return "{" + ",".join(p.choices) + "}"
    return {"int": "N", "float": "X", "bool": "YES_OR_NO", "text": "TEXT"}[p.kind]


def allowed(p: Param) -> str:
    """Return the range of a parameter with its unit, such as "0 to 50 px"; "" if it is unlimited."""
    if p.kind == "choice":
        return ", ".join(p.choices)
    if p.kind == "bool":
        return f"off: --no-{p.name.replace('_', '-')}"
    low = f"above {p.gt:.10g}" if p.gt is not None else f"from {p.ge:.10g}" if p.ge is not None else ""
    high = f"to {p.le:.10g}" if p.le is not None else ""
    odd = "odd" if p.odd else ""
    return " ".join(word for word in (odd, low, high, p.unit) if word)


def default(p: Param) -> str:
    """Format the default of a parameter as it would be typed."""
    if isinstance(p.default, bool):
        return "yes" if p.default else "no"
    return f"{p.default:g}" if isinstance(p.default, float) else str(p.default) or '""'


def explain(p: Param) -> str:
    """Return a description of a parameter in one line: label, help, range and default."""
    text = f"{p.label}. {p.help}" if p.help else p.label
    limits = [allowed(p)] if p.kind not in ("choice", "bool") and allowed(p) else []
    limits += ["or auto"] if p.auto else []
    return f"{text.rstrip('.')} ({'; '.join([*limits, f'default {default(p)}'])})"


def given(args: argparse.Namespace, prefix: str = PREFIX) -> dict[str, Value]:
    """Return the parameters given on the command line."""
    return {k.removeprefix(prefix): v for k, v in vars(args).items() if k.startswith(prefix)}


def add_input(parser: Parser) -> None:
    """Add the options for reading a stack."""
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--series", type=_count, default=0, metavar="N",
        help="index of the image series in the file, from 0 (see 'quietfield info'; default 0)",
    )  # fmt: skip
    reading.add_argument(
        "--input-axes", metavar="LETTERS",
        help="axes of the stack if the file does not specify them, such as TYX or ZYX",
    )  # fmt: skip


def add_camera(parser: Parser) -> None:
    """Add the option that names the calibration of a camera."""
    parser.add_argument(
        "--camera", default="", metavar="NAME",
        help="use the saved calibration of this camera instead of measuring gain, offset and read noise in "
        "the stack (see 'quietfield camera')",
    )  # fmt: skip


def add_without(parser: Parser) -> None:
    """Add the options that leave frames or planes out."""
    for things, axis in (("frames", "time"), ("planes", "depth")):
        parser.add_argument(
            f"--without-{things}", type=_numbers, default=(), metavar="N,N",
            help=f"leave out these {things} along {axis}, counted from 1, such as 12,40",
        )  # fmt: skip


def chosen_source(args: argparse.Namespace, file: Path) -> Source:
    """Return a stack in a file with the axes, the camera and the frames that the arguments select."""
    from core.work.task import Source

    return Source(
        path=file, series=args.series, axes=args.input_axes, camera=getattr(args, "camera", ""),
        without_frames=getattr(args, "without_frames", ()),
        without_planes=getattr(args, "without_planes", ()),
    )  # fmt: skip


def add_output(parser: Parser) -> None:
    """Add the options for writing stacks."""
    writing = parser.add_argument_group("writing")
    writing.add_argument(
        "-o", "--out", required=True, type=path, metavar="OUT",
        help="file to write; for several stacks a folder, which is created if necessary",
    )  # fmt: skip
    writing.add_argument("--overwrite", action="store_true", help="replace existing files")
    writing.add_argument(
        "--format", choices=FORMATS,
        help="ImageJ TIFF (opens in Fiji by drag and drop), OME-TIFF, or OME-Zarr 0.5 with a file for each "
        "chunk or for many of them (sharded); default: from the name of OUT, such as out.ome.zarr",
    )  # fmt: skip
    writing.add_argument(
        "--dtype", choices=DTYPES, default="source",
        help="type of the written pixels; integers are rounded and clipped (default: type of the "
        "source; float32 for an expected error)",
    )  # fmt: skip


def add_quiet(parser: Parser) -> None:
    """Add the option that turns off progress."""
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")


def path(text: str) -> Path:
    """Parse a path. An empty text, such as an unset variable in a script, is not the current folder.

    Raises
    ------
    argparse.ArgumentTypeError
        If the text is empty.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty; name a file or a folder.")
    return Path(text)


def seconds(text: str) -> float:
    """Parse a time in seconds, 0 or more.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not a finite number from 0.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.")
    return found


def whole(text: str) -> int:
    """Parse a whole number, 0 or more.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    return _count(text)


def _reader(p: Param) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        if p.auto and text.strip().lower() == AUTO:
            return AUTO
        try:
            return p.parse(text)
        except QuietfieldError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0.")
    return number


def _numbers(text: str) -> tuple[int, ...]:
    """Parse numbers counted from 1, separated by commas; return indices from 0."""
    try:
        numbers = tuple(int(word) for word in text.split(","))
    except ValueError:
        numbers = (0,)
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers from 1, such as 12,40.")
    return tuple(number - 1 for number in numbers)


def _percent(text: str) -> str:
    """Escape percent signs, which argparse formats."""
    return text.replace("%", "%%")
