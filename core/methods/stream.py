"""Compute an operation while its result is being written, a few blocks ahead of the writer."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.machine import processor_count
from core.methods.apply import blocks, evaluate
from core.methods.base import Operation
from core.progress import Context
from core.stack import Pixels, Region, Stack, region_shape

BLOCK_BYTES = 8 * 2**20
"""Target size of one block as float32: small, so that progress is seen to be made."""

KEPT_BYTES = 256 * 2**20
"""Computed blocks that are kept for a reader who has not read all of them yet."""


@contextmanager
def streaming(
    stack: Stack,
    operation: Operation,
    output: int = 0,
    *,
    context: Context | None = None,
    limit: int = BLOCK_BYTES,
    kept: int = KEPT_BYTES,
) -> Iterator[Stack]:
    """Give a stack whose pixels are computed by threads just before they are read.

    It is for one reader who goes through the planes once, in any order of the axes, such as
    `core.files.save_stack`: every block is computed once then, and let go when all of it was read, so that
    the whole result is never held. The pixels are those of `core.methods.apply.apply`.

    Parameters
    ----------
    stack : Stack
        What to work on.
    operation : Operation
        What to do.
    output : int
        Index of the output of the operation.
    context : Context, optional
        Progress of the blocks that were read, and cancellation.
    limit : int
        Bytes of a block as float32.
    kept : int
        Bytes of computed blocks to keep until they are read; a block that was dropped is computed again if
        asked for.

    Raises
    ------
    QuietfieldError
        If the operation cannot work on this stack.
    """
    source = _Ahead(stack, operation.prepare(stack), output, context or Context(), limit, kept)
    try:
        yield Stack(source, stack.axes, stack.meta)
    finally:
        source.close()


class _Ahead:
    def __init__(
        self, stack: Stack, operation: Operation, output: int, context: Context, limit: int, kept: int
    ) -> None:
        self._stack, self._operation, self._output = stack, operation, output
        self._chunk = region_shape(next(blocks(stack, operation, limit)))
        self._grid = tuple(-(-n // c) for n, c in zip(stack.shape, self._chunk, strict=True))
        self._workers = min(processor_count(), 8) if operation.parallel else 1
        self._keep = max(2 * self._workers, kept // (math.prod(self._chunk) * 4))
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="stream")
        self._context, self._stop = context, context.silent()
        self._seen: set[int] = set()
        self._lock = threading.Lock()
        self._made: OrderedDict[int, Future[NDArray[np.float32]]] = OrderedDict()
        self._unread: dict[int, int] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        return self._stack.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def read(self, region: Region) -> Pixels:
        wanted = self._numbers(region)
        with self._lock:
            found = {n: self._start(n) for n in wanted}
            last = max(wanted)
            for n in range(last + 1, min(last + 1 + self._workers, math.prod(self._grid))):
                if n not in self._seen:
                    self._start(n)
            while len(self._made) > max(self._keep, len(wanted) + self._workers):
                self._made.popitem(last=False)[1].cancel()
        out = np.empty(region_shape(region), np.float32)
        for number, future in found.items():
            part, pixels = self._part(number), future.result()
            self._seen.add(number)
            self._context.step(len(self._seen) / math.prod(self._grid), self._operation.label)
            common = [(max(r.start, p.start), min(r.stop, p.stop)) for r, p in zip(region, part, strict=True)]
            here, there = (
                tuple(slice(a - o.start, b - o.start) for (a, b), o in zip(common, outer, strict=True))
                for outer in (region, part)
            )
            out[here] = pixels[there]
            self._count(number, out[here].size, pixels.size)
        return out

    def _count(self, number: int, read: int, size: int) -> None:
        """Let go of a block of which all pixels were read."""
        left = self._unread.pop(number, size) - read
        if left > 0:
            self._unread[number] = left
        else:
            with self._lock:
                self._made.pop(number, None)

    def close(self) -> None:
        """End the threads; what is being computed is given up."""
        self._stop.cancel()
        self._pool.shutdown(cancel_futures=True)

    def _start(self, number: int) -> Future[NDArray[np.float32]]:
        if number not in self._made:
            self._made[number] = self._pool.submit(self._compute, self._part(number))
        self._made.move_to_end(number)
        return self._made[number]

    def _compute(self, part: Region) -> NDArray[np.float32]:
        self._stop.check()
        return evaluate(self._stack, self._operation, part, self._stop)[self._output]

    def _numbers(self, region: Region) -> list[int]:
        """Numbers of the blocks that hold a region."""
        ranges = (range(r.start // c, -(-r.stop // c)) for r, c in zip(region, self._chunk, strict=True))
        return [int(np.ravel_multi_index(index, self._grid)) for index in itertools.product(*ranges)]

    def _part(self, number: int) -> Region:
        index = np.unravel_index(number, self._grid)
        return tuple(
            slice(int(i) * c, min((int(i) + 1) * c, n))
            for i, c, n in zip(index, self._chunk, self._stack.shape, strict=True)
        )
