"""What the subcommands' options have in common; a method's options come from its parameters."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol

from core import params
from core.errors import QuietfieldError
from core.methods.base import Group
from core.params import Param, Value

if TYPE_CHECKING:  # imports what reads and writes files, for which the help does not wait
    from core.work.executors import Executor

COMMANDS = ("info", "denoise", "train", "apply", "measure", "simulate", "methods")
"""Every subcommand, in the order of the help."""

USED_BY: Mapping[Group, str] = {
    "instant": "denoise", "filter": "denoise", "learned": "train", "noise": "simulate",
}  # fmt: skip
"""The subcommand that runs the methods of each group."""

PREFIX, EXECUTOR_PREFIX = "param_", "executor_param_"
"""Begin the names under which values of parameters lie among the parsed options."""

DTYPES = ("source", "uint8", "uint16", "int16", "uint32", "int32", "float32")


class Described(Protocol):
    """A class whose dataclass fields are parameters."""

    name: ClassVar[str]
    label: ClassVar[str]


class Usage(Exception):
    """The command line was not understood: what is wrong, and for which subcommand ("" for none)."""

    def __init__(self, message: str, command: str = "") -> None:
        super().__init__(message)
        self.command = command


class Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations and raises `Usage` instead of ending the program."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Raise `Usage` with a full sentence."""
        text = message[:1].upper() + message[1:]
        raise Usage(text if text.endswith((".", "?")) else f"{text}.", self.prog.partition(" ")[2])

    def options(self) -> tuple[str, ...]:
        """Every option there is, such as ``--sigma``."""
        return tuple(s for action in self._actions for s in action.option_strings if s.startswith("--"))


def option(name: str) -> str:
    """Option of a parameter: ``tile_size`` gives ``--tile-size``."""
    return "--" + name.replace("_", "-")


def chosen_method(argv: Sequence[str]) -> str | None:
    """Name that follows ``--method``, so that the parser can be given that method's options."""
    return _following("--method", argv)


def _following(wanted: str, argv: Sequence[str]) -> str | None:
    """Value of an option before the command line is parsed; None where it is not given."""
    for word, following in zip(argv, (*argv[1:], None), strict=True):
        if word == "--":
            return None
        if word == wanted:
            return following
        if word.startswith(f"{wanted}="):
            return word.partition("=")[2]
    return None


def add_executor(parser: Parser, argv: Sequence[str]) -> None:
    """Add ``--executor`` and an option for each parameter of the executor that is named."""
    from core.work.executors import Here, executors, find

    words = "; ".join(f"{cls.name} ({cls.label.lower()})" for cls in executors())
    parser.add_argument(
        "--executor", default=Here.name, metavar="NAME", help=f"where several stacks are worked on: {words}"
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
    """Make the executor that was asked for."""
    from core.work.executors import find

    return params.build(find(args.executor), given(args, EXECUTOR_PREFIX))


def add_method(parser: Parser, group: Group, argv: Sequence[str], *, required: bool = True) -> None:
    """Add ``--method`` and, once a method is named, an option for each of its parameters."""
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
    """Add an option for each parameter of a class, or of any of several."""
    one = f"{classes[0].name} ({classes[0].label})"
    options = parser.add_argument_group(f"options of {one if len(classes) == 1 else 'the methods'}")
    described = {p.name: p for cls in reversed(classes) for p in params.describe(cls)}
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
    """Stand-in for a value in the help."""
    if p.kind == "choice":
        return "{" + ",".join(p.choices) + "}"
    return {"int": "N", "float": "X", "bool": "YES_OR_NO", "text": "TEXT"}[p.kind]


def allowed(p: Param) -> str:
    """Range of a parameter with its unit, such as "0 to 50 px"; "" where there is none."""
    if p.kind == "choice":
        return ", ".join(p.choices)
    if p.kind == "bool":
        return f"off: --no-{p.name.replace('_', '-')}"
    low = f"above {p.gt:.10g}" if p.gt is not None else f"from {p.ge:.10g}" if p.ge is not None else ""
    high = f"to {p.le:.10g}" if p.le is not None else ""
    odd = "odd" if p.odd else ""
    return " ".join(word for word in (odd, low, high, p.unit) if word)


def default(p: Param) -> str:
    """Write a parameter's default as it would be typed."""
    if isinstance(p.default, bool):
        return "yes" if p.default else "no"
    return f"{p.default:g}" if isinstance(p.default, float) else str(p.default) or '""'


def explain(p: Param) -> str:
    """Describe a parameter in one line: label, help, range and default."""
    text = f"{p.label}. {p.help}" if p.help else p.label
    limits = [allowed(p)] if p.kind not in ("choice", "bool") and allowed(p) else []
    return f"{text.rstrip('.')} ({'; '.join([*limits, f'default {default(p)}'])})"


def given(args: argparse.Namespace, prefix: str = PREFIX) -> dict[str, Value]:
    """Parameters a person gave on the command line."""
    return {k.removeprefix(prefix): v for k, v in vars(args).items() if k.startswith(prefix)}


def add_input(parser: Parser) -> None:
    """Add the options that say how a stack is read."""
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--series", type=_count, default=0, metavar="N",
        help="which image of a file that holds several, counted from 0 (see 'quietfield info'; default 0)",
    )  # fmt: skip
    reading.add_argument(
        "--input-axes", metavar="LETTERS",
        help="what the axes mean where the file does not say, such as TYX or ZYX",
    )  # fmt: skip


def add_output(parser: Parser) -> None:
    """Add the options that say where and how stacks are written."""
    writing = parser.add_argument_group("writing")
    writing.add_argument(
        "-o", "--out", required=True, type=path, metavar="OUT",
        help="file to write; for several stacks a folder, which is made if need be",
    )  # fmt: skip
    writing.add_argument("--overwrite", action="store_true", help="replace files that exist")
    writing.add_argument(
        "--format", choices=("imagej", "ome"),
        help="ImageJ TIFF (Fiji opens it by a drop) or OME-TIFF; by default what the name of OUT says",
    )  # fmt: skip
    writing.add_argument(
        "--dtype", choices=DTYPES, default="source",
        help="type of the pixels written; integers are rounded and clipped (default: that of the "
        "source; float32 for an expected error)",
    )  # fmt: skip


def add_quiet(parser: Parser) -> None:
    """Add the option that silences progress."""
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")


def path(text: str) -> Path:
    """Read a path; an empty one, as a script's unset variable gives it, is not the current folder.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is empty.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty; name a file or a folder.")
    return Path(text)


def _reader(p: Param) -> Callable[[str], Value]:
    def read(text: str) -> Value:
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


def _percent(text: str) -> str:
    """Escape what argparse would take for a format."""
    return text.replace("%", "%%")
