"""Tests run in several processes, each with one thread of the numerical libraries."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from core.machine import processor_count

# Threads that wait for each other are slow where other processes compute; read when the libraries are loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(name, "1")

# A shell lets programs in the background ignore it, and so would the programs that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A rare example must not fail an unrelated change; other examples come with `--hypothesis-profile=random`.
settings.register_profile("random")
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

MOST_PROCESSES = 4
"""Each takes up to 1.5 GB of memory."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run all tests on all processors, but chosen files in this very process, which starts sooner."""
    chosen = config.args_source is pytest.Config.ArgsSource.ARGS
    return 0 if chosen else min(processor_count(), MOST_PROCESSES)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Go back to one thread after the trainings of a module."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
