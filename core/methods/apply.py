"""Apply an operation to a region or to a whole stack, one block at a time."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.level import Level, level_of, result_type
from core.machine import processor_count
from core.methods.base import WHOLE, Bindable, Block, Operation
from core.methods.single import check_range, safe_factor, to_single
from core.progress import Context
from core.recorded import Recorded, within
from core.stack import ArraySource, Region, Stack, region_shape

BLOCK_BYTES = 32 * 2**20
"""Target size of one block as float32, in bytes; a block with its temporaries needs some hundred MB."""

LEAST_BYTES = 2**20
"""Minimum size of blocks for threads, in bytes; smaller blocks have too much overhead."""

FEW = 8
"""Number of planes per block of an operation that only reads neighbouring planes."""

MEMORY_BYTES = 4 * 2**30
"""Results above this size, in bytes, are stored in a memory-mapped temporary file."""


def evaluate(
    stack: Stack, method: Bindable, region: Region | None = None, context: Context | None = None
) -> tuple[NDArray[np.floating], ...]:
    """Compute a method on a region of a stack, with the same result as on the whole stack.

    Parameters
    ----------
    stack : Stack
        Input.
    method : Bindable
        Method; it is bound to the stack unless it is bound already.
    region : tuple of slice, optional
        Region to compute; by default the whole stack.
    context : Context, optional
        Progress and cancellation.

    Returns
    -------
    tuple of ndarray
        One float32 array with the shape of the region for each of ``method.outputs``; float64 where
        `core.level.Level` had to be subtracted.

    Raises
    ------
    QuietfieldError
        If the method cannot be applied to this stack.
    """
    context = context or Context()
    level = Level.of(stack)
    operation = method.bind(level.stack, context.part(0.0, 0.0))
    found = compute(level.stack, operation, stack.region() if region is None else region, context)
    return tuple(
        level.add(pixels) if output.is_image else pixels
        for output, pixels in zip(operation.outputs, found, strict=True)
    )


def compute(
    stack: Stack, operation: Operation, region: Region, context: Context
) -> tuple[NDArray[np.floating], ...]:
    """Compute a bound operation on a region of its stack; see `evaluate`.

    Pixels that were not recorded keep their values in images, and are NaN in images of errors.
    """
    wide = _widen(stack, operation, region)
    pixels, recorded = Recorded.of(stack).read(wide)
    inner = within(region, wide)
    unchanged = pixels[inner] if recorded is not None else None
    if recorded is not None:
        pixels = np.where(recorded, pixels, pixels.dtype.type(0))
    check_range(stack, pixels)
    if not operation.native:
        pixels = to_single(pixels)
    factor = safe_factor(pixels) if operation.equivariant else 1.0
    if factor != 1:
        pixels = pixels * pixels.dtype.type(factor)
    if recorded is not None and not recorded[inner].any():
        results: tuple[NDArray[np.generic], ...] = tuple(pixels for _ in operation.outputs)
    else:
        block = Block(
            pixels=pixels, axes=stack.axes, origin=tuple(s.start for s in wide), shape=stack.shape,
            kept=inner, recorded=recorded,
        )  # fmt: skip
        results = operation.compute(block, context)
    if factor != 1:
        results = tuple(np.divide(to_single(result), np.float32(factor)) for result in results)
    images = [np.ascontiguousarray(to_single(result[inner])) for result in results]
    if unchanged is None or recorded is None:
        return tuple(images)
    kept = unchanged if level_of(stack) else to_single(unchanged)
    return tuple(
        np.where(recorded[inner], image, kept if output.is_image else np.float32(np.nan))
        for output, image in zip(operation.outputs, images, strict=True)
    )


def _widen(stack: Stack, operation: Operation, region: Region) -> Region:
    halo = operation.halo(stack.axes)
    wide = []
    for axis, size, part in zip(stack.axes, stack.shape, region, strict=True):
        margin = min(halo.get(axis, 0), size)
        start, stop = max(part.start - margin, 0), min(part.stop + margin, size)
        if axis in "YX":
            start -= start % operation.alignment
            stop = min(stop + -stop % operation.alignment, size)
        wide.append(slice(start, stop))
    return tuple(wide)


def blocks(stack: Stack, operation: Operation, limit: int = BLOCK_BYTES) -> Iterator[Region]:
    """Partition a stack into regions for an operation, with at most about `limit` bytes of float32 each.

    Axes along which the operation has a halo are cut last, because every cut computes the halo twice.
    """
    halo = operation.halo(stack.axes)
    chunk = dict(stack.sizes)
    for axis in sorted(stack.axes, key=lambda a: (a in "YX", halo.get(a, 0) > 0, stack.axes.index(a))):
        margin = halo.get(axis, 0)
        if margin >= WHOLE or math.prod(chunk.values()) * 4 <= limit:
            continue
        rest = math.prod(chunk.values()) // chunk[axis] * 4
        if axis in "YX":
            least = max(16 * margin, 64)
        else:  # planes that are only read cost little
            least = max(1, min(4 * margin, FEW) if operation.skips else 16 * margin)
        step = operation.alignment if axis in "YX" else 1
        want = max(limit // rest, least)
        chunk[axis] = min(chunk[axis], want + -want % step)
    starts = [range(0, size, chunk[axis]) for axis, size in stack.sizes.items()]
    for index in np.ndindex(*(len(s) for s in starts)):
        yield tuple(
            slice(s[i], min(s[i] + chunk[axis], size))
            for s, i, (axis, size) in zip(starts, index, stack.sizes.items(), strict=True)
        )


def apply(
    stack: Stack,
    method: Bindable,
    context: Context | None = None,
    *,
    processors: int | None = None,
    limit: int = BLOCK_BYTES,
    memory: int = MEMORY_BYTES,
) -> tuple[Stack, ...]:
    """Compute a method on a whole stack.

    Parameters
    ----------
    stack : Stack
        Input; it is not modified.
    method : Bindable
        Method; it is bound to the stack unless it is bound already.
    context : Context, optional
        Progress and cancellation.
    processors : int, optional
        Number of processors to use, at most 8; by default those available to this process.
    limit : int
        Size of the largest block as float32, in bytes.
    memory : int
        Size of the largest result that is kept in memory, in bytes.

    Returns
    -------
    tuple of Stack
        One float32 stack (float64 where `core.level.Level` had to be subtracted) for each of
        ``method.outputs``; above `memory` bytes their pixels
        are in temporary files that are deleted with the stacks.

    Raises
    ------
    QuietfieldError
        If the method cannot be applied to this stack, or the disk is full.
    Cancelled
        If the context is cancelled.
    """
    context = context or Context()
    level = Level.of(stack)
    whole, stack = stack, level.stack
    operation = method.bind(stack, context.part(0.0, 0.0))
    outs = [_allocate(stack.shape, memory, result_type(stack)) for _ in operation.outputs]
    total = math.prod(stack.shape)
    workers = min(processors or processor_count(), 8) if operation.parallel else 1
    share = total * 4 // (4 * workers) if workers > 1 else limit
    parts = list(blocks(stack, operation, min(max(share, LEAST_BYTES), limit)))
    done = 0
    text = operation.label
    context.step(0.0, text)
    if workers == 1 or len(parts) == 1:
        for part in parts:
            size = math.prod(region_shape(part))
            inner = context.part(done / total, (done + size) / total)
            for out, result in zip(outs, compute(stack, operation, part, inner), strict=True):
                out[part] = result
            done += size
            context.step(done / total, text)
    else:
        quiet = context.silent()

        def work(part: Region) -> int:
            quiet.check()
            for out, result in zip(outs, compute(stack, operation, part, quiet), strict=True):
                out[part] = result
            return math.prod(region_shape(part))

        with ThreadPoolExecutor(workers, thread_name_prefix="filter") as pool:
            waiting = {pool.submit(work, part) for part in parts}
            try:
                while waiting:
                    finished, waiting = wait(waiting, timeout=0.1, return_when=FIRST_EXCEPTION)
                    done += sum(f.result() for f in finished)
                    context.step(done / total, text)
            finally:  # after an error or a cancellation, no block starts and running ones stop soon
                quiet.cancel()
                for future in waiting:
                    future.cancel()
    sources = [
        level.restore(ArraySource(out)) if output.is_image else ArraySource(out)
        for out, output in zip(outs, operation.outputs, strict=True)
    ]
    return tuple(
        Recorded.carry(whole, Stack(source, whole.axes, output.describe(whole.meta)))
        for source, output in zip(sources, operation.outputs, strict=True)
    )


def _allocate(shape: tuple[int, ...], memory: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    size = math.prod(shape) * dtype.itemsize
    if size <= memory:
        return np.empty(shape, dtype)
    try:
        # The file loses its name here and lives on for as long as it is mapped; on Windows too,
        # where it is opened to be deleted when its last handle is closed.
        with tempfile.NamedTemporaryFile(prefix="quietfield-", suffix=".raw") as file:
            _reserve(file.fileno(), size)
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        raise QuietfieldError(
            f"There is no room for a result of {size / 1e9:.1f} GB in {tempfile.gettempdir()} ({error}). "
            "Free some space, or use a part of the stack."
        ) from error


def _reserve(descriptor: int, size: int) -> None:
    """Reserve the full size of a file, on disk if the system supports it: writing cannot fail later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
