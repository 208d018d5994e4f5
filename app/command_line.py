"""What a person would type to do the same without the window."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from app.commands.arguments import USED_BY, option
from core import params
from core.methods.base import Method

SUFFIXES = {"filter": "_denoised.tif", "noise": "_noisy.tif", "learned": ".quietfield"}
"""What the output is called after the input, by group of method."""


def command_line(method: Method, path: Path | None, name: str) -> str:
    """Command that runs a method on a file.

    Parameters
    ----------
    method : Method
        What to do; parameters at their defaults are left out.
    path : Path or None
        The file; None where the stack came from no file.
    name : str
        What to call the stack then.
    """
    source = path or Path(f"{name}.tif")
    target = source.with_name(source.name.split(".")[0] + SUFFIXES[method.group])
    words = ["quietfield", USED_BY[method.group], str(source), "-o", str(target), "--method", method.name]
    values = params.values(method)
    for p in params.describe(type(method)):
        value = values[p.name]
        if value == p.default:
            continue
        if isinstance(value, bool):
            words.append(option(p.name) if value else option(p.name).replace("--", "--no-", 1))
        else:
            words += [option(p.name), f"{value:.10g}" if isinstance(value, float) else str(value)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
