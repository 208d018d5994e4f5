"""Torch's compiler, which the first optimiser of a process imports although nothing is compiled."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import torch

CACHE = "TORCHINDUCTOR_CACHE_DIR"


def load_compiler() -> None:
    """Import torch's compiler without creating its cache folder.

    The folder would remain in the temporary folder; if it cannot be created, for example on a full disk, no
    optimiser could be created.
    """
    if "torch._dynamo" in sys.modules:
        return
    given = os.environ.get(CACHE)
    os.environ[CACHE] = given or str(Path(torch.__file__).parent)  # exists; nothing is written into it
    try:
        importlib.import_module("torch._dynamo")
    finally:
        if given is None:
            del os.environ[CACHE]
