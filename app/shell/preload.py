"""Load, behind the shown window, what the first file, preview, plot or training would otherwise wait for.

Some seconds of importing must not be felt in the window, which shares the interpreter with it. Two
things would be: loading torch's largest library, during which Python holds its lock unless the
library has been loaded before by a plain call of the system's loader; and searching the many objects
that imports make for cycles, again and again. So the one is done first, and the other put off.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app.shell.jobs import Job

FIRST = ("tifffile", "imagecodecs", "core.files")
"""Imported before anything else: what opens the first stack would hold Python's lock while it waits for the
system's loader, which loads one library at a time."""

INSTANT = ("core.instant.denoiser", "core.instant.weights")
"""Imported as soon as torch is there: what a stack that is dropped at once waits for."""

THEN = (
    "pyqtgraph", "core.learning.trainer", "core.checkpoint", "core.learning.prediction",
    "core.quality.metrics", "core.quality.stacks", "core.simulation", "psutil",
)  # fmt: skip
"""Imported when nothing else is computed; the window itself needs the first, as soon as a training starts."""

PATIENCE = 15.0
"""Seconds for which these wait for that."""


def load(job: Job, give_way: Callable[[Job, float], None]) -> str:
    """Import everything, in a thread; the name of the best device is handed over as soon as it is known.

    Parameters
    ----------
    job : Job
        The job this runs as.
    give_way : callable
        Waits until nothing but that job is computed, such as what a stack that was just dropped shows.

    Returns
    -------
    str
        What networks will run on, in words.
    """
    swept = gc.isenabled()
    gc.disable()
    try:
        _spare_reading()
        _import(FIRST, job)
        _load_library()
        job.context.check()
        words = best_device()
        job.emit(words)
        _import(INSTANT, job)
        give_way(job, PATIENCE)
        _first_image()
        _first_optimiser()
        _import(THEN, job)
        gc.freeze()  # modules stay for good: never search them again
    finally:
        if swept:
            gc.enable()
    return words


def _import(names: Sequence[str], job: Job) -> None:
    for name in names:
        job.context.check()
        importlib.import_module(name)


def best_device() -> str:
    """Name the best processor; this loads torch."""
    import torch

    from core.learning.device import devices

    best = devices()[0]
    if best.name != "cpu":
        return best.label
    threads = torch.get_num_threads()
    return f"CPU · {threads} thread{'s' if threads > 1 else ''}"


def _load_library() -> None:
    """Load torch's largest library without Python's lock; where that fails, importing torch does it."""
    name = {"linux": "libtorch_cpu.so", "darwin": "libtorch_cpu.dylib"}.get(sys.platform)
    found = importlib.util.find_spec("torch") if name and "torch" not in sys.modules else None
    if name is None or found is None or found.origin is None:
        return
    library = Path(found.origin).parent / "lib" / name
    if library.is_file():
        dlopen = ctypes.CDLL(None).dlopen  # unlike ctypes.CDLL(library), a call that lets others run
        dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
        dlopen(os.fsencode(library), os.RTLD_NOW)


def _spare_reading() -> None:
    """Keep PySide from reading the source of all that is imported, in search of its own name.

    It wants to know where ``from __feature__ import`` may be used, which is nowhere. Of the time that
    importing torch takes, this is a seventh.
    """
    feature = sys.modules.get("shibokensupport.feature")
    if hasattr(feature, "_mod_uses_pyside"):
        feature._mod_uses_pyside = lambda _: False  # type: ignore[union-attr]


def _first_image() -> None:
    """Denoise a little noise: what libraries do once, at their first image, is done then."""
    import numpy as np

    from core.instant.method import Instant
    from core.methods.apply import evaluate
    from core.stack import Stack

    noise = np.random.default_rng(0).poisson(20.0, (2, 128, 128)).astype(np.uint16)
    evaluate(Stack.of(noise, "TYX"), Instant())


def _first_optimiser() -> None:
    """Make an optimiser: the first one of a process loads torch's compiler."""
    import torch

    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
