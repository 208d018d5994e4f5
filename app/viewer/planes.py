"""Planes for display: returned immediately from memory, or read in a thread."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.shell.jobs import Job, Jobs, Outcome
from core.stack import ArraySource, Pixels, Stack

CACHE_BYTES = 256 * 2**20
"""Cache size in bytes; the least recently used planes are removed first."""

_Key = tuple[int, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """Planes that are displayed together: one of each of several results, at one position.

    Attributes
    ----------
    document : int
        Key of the source; only planes of one document are read one after another.
    stacks : dict of int to Stack
        Stacks by the key of the result.
    position : dict of str to int
        Index along T, C and Z.
    """

    document: int
    stacks: Mapping[int, Stack]
    position: Mapping[str, int]

    def key(self, result: int) -> _Key:
        """Return the key of one plane."""
        return result, tuple(sorted(self.position.items()))

    @property
    def keys(self) -> frozenset[_Key]:
        """Keys of all planes."""
        return frozenset(self.key(result) for result in self.stacks)


Planes = Mapping[int, Pixels]
"""Planes (Y, X) by the keys of their results."""


class PlaneReader:
    """Reads planes in a thread, the newest request first.

    Parameters
    ----------
    jobs : Jobs
        Runs slow reading.
    arrived : callable
        Called in the main thread with the request and its planes. Planes of older requests arrive too
        while a newer one is being read, so that a slow stack follows its slider.
    failed : callable
        Called when reading failed, after the error was shown.
    """

    def __init__(
        self, jobs: Jobs, arrived: Callable[[Wanted, Planes], None], failed: Callable[[], None]
    ) -> None:
        self._jobs, self._arrived, self._failed = jobs, arrived, failed
        self._cache: OrderedDict[_Key, Pixels] = OrderedDict()
        self._newest: Wanted | None = None
        self._reading: Wanted | None = None
        self._unreadable: frozenset[_Key] = frozenset()

    def want(self, wanted: Wanted) -> None:
        """Request planes; `arrived` is called now, or after they are read."""
        if self._newest is None or wanted.document != self._newest.document:
            self._cache.clear()
            self._reading = None  # reading of an old document is ignored when it ends
        self._newest = wanted
        planes = self._at_hand(wanted)
        if len(planes) == len(wanted.stacks):
            self._unreadable = frozenset()
            self._arrived(wanted, planes)
        elif self._reading is None and wanted.keys != self._unreadable:
            self._start(wanted, planes)

    def forget(self) -> None:
        """Forget everything, because no document is open."""
        self._newest = self._reading = None
        self._cache.clear()

    def _at_hand(self, wanted: Wanted) -> dict[int, Pixels]:
        found: dict[int, Pixels] = {}
        for result, stack in wanted.stacks.items():
            key = wanted.key(result)
            if key in self._cache:
                self._cache.move_to_end(key)
                found[result] = self._cache[key]
            elif is_in_memory(stack):
                found[result] = plane_in_memory(stack, wanted.position)
        return found

    def _start(self, wanted: Wanted, planes: dict[int, Pixels]) -> None:
        self._reading = wanted
        missing = {result: s for result, s in wanted.stacks.items() if result not in planes}

        def work(job: Job) -> Planes:
            read = {}
            for result, stack in missing.items():
                job.context.check()
                read[result] = stack.plane(**{a: i for a, i in wanted.position.items() if a in stack.axes})
            return read

        def end(outcome: Outcome) -> None:
            self._on_end(wanted, outcome)

        channel = f"planes of document {wanted.document}"
        self._jobs.start("Reading a plane", work, end=end, channel=channel, quiet=True)

    def _on_end(self, wanted: Wanted, outcome: Outcome) -> None:
        if self._newest is None or wanted.document != self._newest.document:
            return
        self._reading = None
        if outcome.state == "failed":
            self._unreadable = wanted.keys  # not read again until other planes are requested
            self._jobs.failed.emit("Reading a plane", outcome)
            self._failed()
        elif outcome.state == "succeeded":
            self._keep(wanted, outcome.value)
        newest = self._newest
        if newest is not wanted and newest.stacks.keys() == wanted.stacks.keys():
            planes = self._at_hand(wanted)
            if len(planes) == len(wanted.stacks):
                self._arrived(wanted, planes)
        self.want(self._newest)

    def _keep(self, wanted: Wanted, planes: Planes) -> None:
        for result, plane in planes.items():
            self._cache[wanted.key(result)] = plane
        total = sum(p.nbytes for p in self._cache.values())
        while total > CACHE_BYTES and len(self._cache) > len(planes):
            total -= self._cache.popitem(last=False)[1].nbytes


def is_in_memory(stack: Stack) -> bool:
    """Whether the planes of a stack are in memory."""
    return isinstance(stack.source, ArraySource) and not isinstance(stack.source.array, np.memmap)


def plane_in_memory(stack: Stack, position: Mapping[str, int]) -> Pixels:
    """Return the plane (Y, X) of a stack in memory, without copying it; not to be modified.

    Raises
    ------
    TypeError
        If the pixels are not in memory.
    """
    if not isinstance(stack.source, ArraySource):
        raise TypeError("the pixels of this stack do not lie in memory")
    index: tuple[Any, ...] = tuple(position.get(a, 0) for a in stack.axes[:-2])
    plane: Pixels = stack.source.array[index]
    return plane.astype(stack.dtype, copy=False)
