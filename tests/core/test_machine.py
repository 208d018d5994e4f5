"""Reported resources of the machine, against other sources of the system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core import machine

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_free_memory_is_what_the_kernel_says() -> None:
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    total, free = (1024 * int(fields[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    assert abs(machine.available_memory() - free) < 0.1 * total


def group(folder: Path, most: str, used: int, cached: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\n")


def test_a_container_limits_the_free_memory(tmp_path: Path) -> None:
    """Files as Linux describes them in its documentation of control groups, version 2."""
    own = tmp_path / "own"
    own.write_text("0::/job/step\n")
    group(tmp_path / "job", "1000", 700, 100)
    group(tmp_path / "job" / "step", "max", 300, 0)
    assert machine.free_in_groups(tmp_path, own) == [400]
    group(tmp_path / "job" / "step", "350", 300, 20)
    assert machine.free_in_groups(tmp_path, own) == [70, 400]
    assert machine.free_in_groups(tmp_path, tmp_path / "missing") == []


def test_an_old_container_limits_the_free_memory(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("5:cpu,memory:/job\n4:pids:/job\n")
    folder = tmp_path / "memory" / "job"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("1000")
    (folder / "memory.usage_in_bytes").write_text("900")
    (folder / "memory.stat").write_text("total_inactive_file 50\n")
    assert machine.free_in_groups(tmp_path, own) == [150]


def test_nobody_gets_more_than_there_is() -> None:
    assert machine.can_get(2**20)
    assert not machine.can_get(machine.available_memory() + 2**40)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space")
def test_a_limit_of_the_address_space_counts() -> None:
    script = (
        "import resource, sys, numpy, psutil\n"
        "from core import machine\n"
        "limit = psutil.Process().memory_info().vms + 2**28\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "assert machine.available_memory() <= 2**28\n"
        "assert machine.can_get(2**27)\n"
        "assert not machine.can_get(2**28 + 2**20)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
