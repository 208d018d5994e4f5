"""Reported resources of the machine, against other sources of the system."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core import machine


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_free_memory_is_what_the_kernel_says() -> None:
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    total, free = (1024 * int(fields[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    assert abs(machine.available_memory() - free) < 0.1 * total


def test_used_memory_grows_with_what_is_kept() -> None:
    before = machine.used_memory()
    kept = np.ones(50_000_000, np.uint8)
    assert 40e6 < machine.used_memory() - before < 60e6
    assert kept.all()


def test_the_age_is_that_of_the_process() -> None:
    first = machine.process_age()
    time.sleep(0.05)
    assert 0 < first < first + 0.04 < machine.process_age() < 100_000


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs sched_setaffinity")
def test_only_processors_this_process_may_use_count() -> None:
    allowed = os.sched_getaffinity(0)
    assert machine.processor_count() == len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert machine.processor_count() == 1
    finally:
        os.sched_setaffinity(0, allowed)
