"""The command line: parse arguments, run a subcommand, and convert every outcome to an exit code.

Exit codes: 0 success; 1 an error that the user can fix, explained in one sentence (of several stacks, the
others were processed); 2 invalid command line; 70 a defect of the program, with its traceback; 130
interrupted, 143 terminated: no incomplete file is left.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from app.cli.arguments import COMMANDS, Parser, Usage
from app.shell.signals import say
from core import __version__, params
from core.errors import QuietfieldError
from core.memory import ADVICE, ran_out

if TYPE_CHECKING:
    import argparse

OK, FAILED, USAGE, DEFECT = 0, 1, 2, 70
BROKEN_PIPE = 141

DESCRIPTION = """\
Denoises microscopy stacks.

Without a command, a window opens with the named files:
  quietfield [STACK...]"""

EPILOG = """\
  quietfield --self-test SHOT.png  checks this installation and saves a screenshot of the window

'quietfield COMMAND --help' explains a command; --method NAME also lists the options of a method."""


class Command(NamedTuple):
    """A subcommand: its line in the help, the function that adds options, and the function that runs it."""

    help: str
    add: Callable[[Parser, Sequence[str]], None]
    run: Callable[[argparse.Namespace], int]


def commands() -> dict[str, Command]:
    """Return all subcommands by name."""
    from app.cli import (
        batch,
        cameras,
        compare,
        noise_model,
        noise_report,
        process,
        report,
        simulating,
        sweeping,
        train,
    )
    from app.cli import psf as psf_command

    found = {
        "info": Command("describe the contents of a file", report.add_info, report.run_info),
        "noise": Command(
            "measure the noise of a stack, and recommend a method", noise_report.add_noise,
            noise_report.run_noise,
        ),
        "denoise": Command("run a classic filter on stacks", process.add_denoise, process.run_method),
        "train": Command("train a network on a noisy stack", train.add_train, train.run_train),
        "sweep": Command(
            "train with several widths of the PSF, and say which one the data prefer", sweeping.add_sweep,
            sweeping.run_sweep,
        ),
        "psf": Command(
            "compute, describe and save a point spread function", psf_command.add_psf, psf_command.run_psf
        ),
        "apply": Command(
            "run a trained network or a recipe on stacks", process.add_apply, process.run_apply
        ),
        "run": Command(
            "run a recipe on many files and folders, with a manifest", batch.add_run, batch.run_run
        ),
        "measure": Command("measure a stack against a reference", report.add_measure, report.run_measure),
        "compare": Command(
            "tell which method is best for a stack, with or without a reference", compare.add_compare,
            compare.run_compare,
        ),
        "simulate": Command(
            "simulate a specimen with ground truth, or add noise to clean stacks",
            simulating.add_simulate, simulating.run_simulate,
        ),
        "camera": Command(
            "calibrate a camera once, or list the calibrated ones", cameras.add_camera_command,
            cameras.run_camera,
        ),
        "noise-model": Command(
            "make a noise model of a camera from repeated frames or from a stack",
            noise_model.add_noise_model, noise_model.run_noise_model,
        ),
        "methods": Command("list the methods, or explain one", report.add_methods, report.run_methods),
    }  # fmt: skip
    return {name: found[name] for name in COMMANDS}


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line.

    Raises
    ------
    Usage
        If it is invalid; the message suggests the nearest name.
    """
    parser = Parser(prog="quietfield", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"quietfield {__version__}")
    known = commands()
    name = next((word for word in argv if not word.startswith("-")), None)
    if name is not None and name not in known:
        raise Usage(params.unknown("command", name, known))
    subparsers = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    chosen: Parser | None = None
    for command, (line, add, _) in known.items():
        sub = subparsers.add_parser(command, help=line, description=f"{line[:1].upper()}{line[1:]}.")
        if command == name:
            chosen = sub
            add(sub, argv)
    args, rest = parser.parse_known_args(list(argv))
    if rest:
        options = chosen.options() if chosen is not None else ()
        wrong = rest[0].partition("=")[0]
        if wrong.startswith("-"):
            method = getattr(args, "method", None)
            what = f"option of {args.command}" + (f" --method {method}" if method else "")
            raise Usage(_unknown_option(what, wrong, options), args.command)
        raise Usage(f"{wrong!r} was not expected here.", args.command)
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; only `KeyboardInterrupt` is raised.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program name; by default those of the process.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        try:
            args = parse(argv)
            return commands()[args.command].run(args)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except SystemExit as stop:  # argparse, after --help or --version
        return stop.code if isinstance(stop.code, int) else OK
    except Usage as error:
        where = f"quietfield {error.command}".rstrip()
        say(f"{error}\n'{where} --help' explains the options.")
        return USAGE
    except QuietfieldError as error:
        say(str(error))
        return FAILED
    except BrokenPipeError:  # the reader of the output has exited, like "head"
        _give_up_output()
        return BROKEN_PIPE
    except Exception as error:
        if ran_out(error):
            say(f"There is not enough memory. {ADVICE}")
            return FAILED
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
            _give_up_output()
            say("The output could not be written: its disk is full. Free some space.")
            return FAILED
        say(
            f"Quietfield {__version__} has a defect: {type(error).__name__}: {error}\n"
            f"Please report it with these lines.\n{traceback.format_exc()}"
        )
        return DEFECT


def _unknown_option(what: str, name: str, options: Sequence[str]) -> str:
    """Return a message that suggests the nearest option; a long list is left to the help."""
    import difflib

    near = difflib.get_close_matches(name, options, n=1)
    return f"There is no {what} called {name}." + (f" Did you mean {near[0]}?" if near else "")


def _give_up_output() -> None:
    """Redirect remaining output to nowhere, because Python flushes it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
