"""Commands that do the same as a method with its parameters."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core import params
from core.params import Value
from core.paths import MODEL_ENDING, TIFF_ENDINGS

if TYPE_CHECKING:
    from core.learning.base import Learned
    from core.methods.base import Group, Method

USED_BY: Mapping[Group, str] = {
    "instant": "denoise", "filter": "denoise", "learned": "train", "noise": "simulate",
}  # fmt: skip
"""The subcommand that runs the methods of each group."""

DENOISED = f"_denoised{TIFF_ENDINGS[0]}"
OUTPUTS = {
    "instant": DENOISED, "filter": DENOISED, "noise": f"_noisy{TIFF_ENDINGS[0]}", "learned": MODEL_ENDING,
}  # fmt: skip
"""Suffix of the output file, by group of method."""


def option(name: str) -> str:
    """Return the option of a parameter: ``tile_size`` gives ``--tile-size``."""
    return "--" + name.replace("_", "-")


def command_line(method: Method, path: Path | None, name: str) -> str:
    """Return the command that applies a method to a file.

    Parameters
    ----------
    method : Method
        Method; parameters with default values are omitted.
    path : Path or None
        File; None if the stack is not from a file.
    name : str
        Name of the stack in this case.
    """
    source, target = _files(path, name, OUTPUTS[method.group])
    words = ["quietfield", USED_BY[method.group], source, "-o", target, "--method", method.name]
    return join(words + _options(method, {}))


def training_command(
    method: Learned,
    preset: str,
    path: Path | None,
    name: str,
    device: str = "auto",
    clean: Path | None = None,
) -> str:
    """Return the commands that train a network on a file, and apply it.

    Parameters
    ----------
    method : Learned
        Method; only parameters that differ from the preset are included.
    preset : str
        Name of a preset of the method.
    path, name : Path or None, str
        As in `command_line`.
    device : str
        Device of the network.
    clean : Path, optional
        Clean stack, for methods that need one.
    """
    source, model = _files(path, name, OUTPUTS["learned"])
    _, target = _files(path, name, OUTPUTS["filter"])
    where = [] if device == "auto" else ["--device", device]
    train = ["quietfield", "train", source, "-o", model, "--method", method.name, "--preset", preset]
    train += ["--target", str(clean)] if clean is not None else []
    train += _options(method, type(method).preset_values(preset)) + where
    return " && ".join((join(train), join(["quietfield", "apply", model, source, "-o", target, *where])))


def _files(path: Path | None, name: str, suffix: str) -> tuple[str, str]:
    source = path or Path(name + TIFF_ENDINGS[0])
    return str(source), str(source.with_name(source.name.split(".")[0] + suffix))


def _options(method: Method, known: Mapping[str, Value]) -> list[str]:
    """Return the options of all parameters that differ from `known`, or else from their defaults."""
    words: list[str] = []
    values = params.values(method)
    for p in params.describe(type(method)):
        value = values[p.name]
        if value == known.get(p.name, p.default):
            continue
        if isinstance(value, bool):
            words.append(option(p.name) if value else option(p.name).replace("--", "--no-", 1))
        else:
            words += [option(p.name), f"{value:.10g}" if isinstance(value, float) else str(value)]
    return words


def join(words: list[str]) -> str:
    """Return words as a line of the shell of this system."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
