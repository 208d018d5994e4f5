"""Load libraries in the background that the first file, preview, plot or training needs.

Importing takes seconds and must not block the window, which shares the interpreter. Two operations would:
loading torch's largest library, during which Python holds its lock unless the library was loaded before by
the system's loader; and the repeated garbage collection of the many objects that imports create. Therefore
the library is loaded first, and garbage collection is postponed.
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
"""Imported first. Otherwise, opening the first stack would hold Python's lock while waiting for the system's
loader, which loads one library at a time.
"""

INSTANT = ("core.instant.denoiser", "core.instant.weights")
"""Imported directly after torch: needed by a stack that is dropped immediately."""

THEN = (
    "pyqtgraph", "core.learning.trainer", "core.checkpoint", "core.learning.prediction",
    "core.quality.metrics", "core.quality.stacks", "core.simulation", "psutil",
)  # fmt: skip
"""Imported when no other work runs. The first one is needed by the window as soon as a training starts."""

PATIENCE = 15.0
"""Maximum waiting time of these imports in seconds."""


def load(job: Job, give_way: Callable[[Job, float], None]) -> str:
    """Import all libraries in a thread; the name of the best device is emitted as soon as it is known.

    Parameters
    ----------
    job : Job
        The job that runs this function.
    give_way : callable
        Waits until no other work runs, such as the preview of a dropped stack.

    Returns
    -------
    str
        Name of the device of networks.
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
        gc.freeze()  # modules are permanent: exclude them from garbage collection
    finally:
        if swept:
            gc.enable()
    return words


def _import(names: Sequence[str], job: Job) -> None:
    for name in names:
        job.context.check()
        importlib.import_module(name)


def best_device() -> str:
    """Return the name of the best device; this imports torch."""
    import torch

    from core.learning.device import devices

    best = devices()[0]
    if best.name != "cpu":
        return best.label
    threads = torch.get_num_threads()
    return f"CPU · {threads} thread{'s' if threads > 1 else ''}"


def _load_library() -> None:
    """Load torch's largest library without Python's lock; if this fails, importing torch loads it."""
    name = {"linux": "libtorch_cpu.so", "darwin": "libtorch_cpu.dylib"}.get(sys.platform)
    found = importlib.util.find_spec("torch") if name and "torch" not in sys.modules else None
    if name is None or found is None or found.origin is None:
        return
    library = Path(found.origin).parent / "lib" / name
    if library.is_file():
        dlopen = ctypes.CDLL(None).dlopen  # unlike ctypes.CDLL(library), this call releases the lock
        dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
        dlopen(os.fsencode(library), os.RTLD_NOW)


def _spare_reading() -> None:
    """Keep PySide from reading the source of all imported modules.

    PySide searches them for ``from __feature__ import``, which is never used. The search takes a seventh of
    the time of importing torch.
    """
    feature = sys.modules.get("shibokensupport.feature")
    if hasattr(feature, "_mod_uses_pyside"):
        feature._mod_uses_pyside = lambda _: False  # type: ignore[union-attr]


def _first_image() -> None:
    """Denoise a small noise image, so that the libraries' work at the first image is done in advance."""
    import numpy as np

    from core.instant.method import Instant
    from core.methods.apply import evaluate
    from core.stack import Stack

    noise = np.random.default_rng(0).poisson(20.0, (2, 128, 128)).astype(np.uint16)
    evaluate(Stack.of(noise, "TYX"), Instant())


def _first_optimiser() -> None:
    """Create an optimiser, because the first one of a process loads torch's compiler."""
    import torch

    from core.learning.compiler import load_compiler

    load_compiler()
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
