"""Selection of a device, and settings for its best use."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from core import memory
from core.errors import QuietfieldError
from core.machine import processor_count

Network = TypeVar("Network", bound=torch.nn.Module)

BENCHMARK_SECONDS = 1.0
"""Maximum duration of a start-up measurement in seconds."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that networks can run on.

    Attributes
    ----------
    name : str
        Name in torch, such as ``cpu``, ``cuda:0``, ``mps``.
    label : str
        Name for users.
    details : str
        Architecture and number of cores; "" if `label` is complete.
    """

    name: str
    label: str
    details: str = ""

    @property
    def full_label(self) -> str:
        """Label with its details in parentheses."""
        return f"{self.label} ({self.details})" if self.details else self.label


def devices() -> tuple[Device, ...]:
    """Return all devices of this machine, the fastest first."""
    found = [
        Device(f"cuda:{index}", torch.cuda.get_device_name(index))
        for index in (range(torch.cuda.device_count()) if torch.cuda.is_available() else ())
    ]
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple graphics"))
    cores = processor_count()
    details = f"{platform.machine()}, {cores} core{'s' if cores > 1 else ''}"
    found.append(Device("cpu", "Processor", details))
    return tuple(found)


def choose(name: str = "auto") -> torch.device:
    """Return a device by name; "auto" returns the fastest.

    Raises
    ------
    QuietfieldError
        If this machine has no such device.
    """
    names = [device.name for device in devices()]
    if name == "auto":
        return torch.device(names[0])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in names:
        raise QuietfieldError(
            f"This machine has no device called {name!r}. It has: {', '.join(names)}; or let auto choose."
        )
    return torch.device(wanted)


def layout(device: torch.device) -> torch.memory_format:
    """Return the memory format of a network: channels last, except on Apple GPUs, where it is slower."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def placed(network: Network, device: torch.device) -> Network:
    """Return a network moved to a device.

    Raises
    ------
    QuietfieldError
        If the device has too little memory.
    """

    def moved() -> Network:
        return network.to(device=device, memory_format=layout(device))  # type: ignore[no-any-return,call-overload]

    return memory.enough(moved, str(device))


def half_precision(device: torch.device, network: torch.nn.Module, shape: Sequence[int]) -> bool:
    """Return whether bfloat16 is both faster and accurate on this device.

    CPUs without bfloat16 instructions take 25 to 90 times longer, and are not tested.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and has_bfloat16() and half_is_better(network, shape)


def half_is_better(
    network: torch.nn.Module, shape: Sequence[int], *, seconds: float = BENCHMARK_SECONDS
) -> bool:
    """Return whether a network on the CPU is faster and accurate in bfloat16.

    Parameters
    ----------
    network : torch.nn.Module
        The network.
    shape : sequence of int
        Channels, planes if it is a network for volumes, rows and columns of the input that it is timed on.
    seconds : float
        Twice the time to spend on measuring.
    """
    sides = shape[1:]
    image = torch.linspace(-1, 1, math.prod(sides)).sin().reshape(1, 1, *sides)
    image = image.expand(-1, shape[0], *sides)
    results, times = [], []
    for half in (False, True):
        best = seconds
        began = time.perf_counter()
        while time.perf_counter() - began < seconds / 4:
            start = time.perf_counter()
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                result = network(image)
            best = min(best, time.perf_counter() - start)
        results.append(result.float())
        times.append(best)
    scale = float(results[0].std()) + 1e-12
    right = bool(torch.isfinite(results[1]).all()) and float((results[0] - results[1]).std()) < 0.05 * scale
    return right and times[1] < 0.8 * times[0]


def has_bfloat16() -> bool:
    """Return whether this CPU has instructions for bfloat16."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def beside_window(processors: int | None = None) -> int:
    """Return the number of threads for training beside a window: all cores except the one for the window.

    The threads of one step wait for each other. If another program uses the core of one thread, all threads
    wait: two threads on two busy cores trained 5 to 20 times slower than one, and a lower priority makes this
    worse without helping the window.

    Parameters
    ----------
    processors : int, optional
        Number of processors; by default those available to this process.
    """
    return max(1, (processors or processor_count()) - 1)


def thread_count(threads: int) -> int:
    """Limit a number of threads to the range from one to the number of cores."""
    return max(1, min(threads, processor_count()))
