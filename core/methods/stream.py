"""Compute the result of an operation while it is written, a few blocks ahead of the writer."""

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

from core.level import Level, result_type
from core.machine import processor_count
from core.methods.apply import blocks, compute
from core.methods.base import Bindable, Operation
from core.progress import Context
from core.recorded import Recorded
from core.stack import Pixels, Region, Stack, region_shape

BLOCK_BYTES = 8 * 2**20
"""Target size of one block in bytes as float32; small, so that progress is reported often."""

KEPT_BYTES = 256 * 2**20
"""Bytes of computed blocks that are kept until they are read completely."""


@contextmanager
def streaming(
    stack: Stack,
    method: Bindable,
    output: int = 0,
    *,
    context: Context | None = None,
    limit: int = BLOCK_BYTES,
    kept: int = KEPT_BYTES,
) -> Iterator[Stack]:
    """Return a stack whose pixels are computed in threads just before they are read.

    The stack is meant for one reader that reads the planes once, in any order of the axes, such as
    `core.files.save_stack`. Every block is then computed once and released after it is read, so the whole
    result is never in memory. The pixels equal the result of `core.methods.apply.apply`.

    Parameters
    ----------
    stack : Stack
        Input.
    method : Bindable
        Method to compute; it is bound to the stack unless it is bound already.
    output : int
        Index of the output of the method.
    context : Context, optional
        Progress, as the fraction of blocks read, and cancellation.
    limit : int
        Size of a block in bytes, as float32.
    kept : int
        Bytes of computed blocks to keep until they are read; a released block is computed again when it
        is read again.

    Raises
    ------
    QuietfieldError
        If the method cannot process this stack.
    """
    context = context or Context()
    level = Level.of(stack)
    operation = method.bind(level.stack, context.part(0.0, 0.0))
    kind = operation.outputs[output]
    source = _Ahead(level.stack, operation, output, context, limit, kept)
    pixels = level.restore(source) if kind.is_image else source
    try:
        yield Recorded.carry(stack, Stack(pixels, stack.axes, kind.describe(stack.meta)))
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
        self._made: OrderedDict[int, Future[NDArray[np.floating]]] = OrderedDict()
        self._unread: dict[int, int] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        return self._stack.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return result_type(self._stack)

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
        out = np.empty(region_shape(region), self.dtype)
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
        """Release a block once all its pixels are read."""
        left = self._unread.pop(number, size) - read
        if left > 0:
            self._unread[number] = left
        else:
            with self._lock:
                self._made.pop(number, None)

    def close(self) -> None:
        """Stop the threads and cancel running computations."""
        self._stop.cancel()
        self._pool.shutdown(cancel_futures=True)

    def _start(self, number: int) -> Future[NDArray[np.floating]]:
        if number not in self._made:
            self._made[number] = self._pool.submit(self._compute, self._part(number))
        self._made.move_to_end(number)
        return self._made[number]

    def _compute(self, part: Region) -> NDArray[np.floating]:
        self._stop.check()
        return compute(self._stack, self._operation, part, self._stop)[self._output]

    def _numbers(self, region: Region) -> list[int]:
        """Return the numbers of the blocks that intersect a region."""
        ranges = (range(r.start // c, -(-r.stop // c)) for r, c in zip(region, self._chunk, strict=True))
        return [int(np.ravel_multi_index(index, self._grid)) for index in itertools.product(*ranges)]

    def _part(self, number: int) -> Region:
        index = np.unravel_index(number, self._grid)
        return tuple(
            slice(int(i) * c, min((int(i) + 1) * c, n))
            for i, c, n in zip(index, self._chunk, self._stack.shape, strict=True)
        )
