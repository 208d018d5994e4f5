"""Record work on a CUDA GPU as graphs, and replay it without launching every operation."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

Given = TypeVar("Given")
Work = Callable[[Given], Tensor]

EAGER = 5
"""Number of normal executions before recording, which also determine the memory needed."""


class Repeated(Generic[Given]):
    """Work that is recorded after several executions, once for each input shape, and then replayed.

    On devices other than CUDA, and if recording fails, the work is executed normally.

    Parameters
    ----------
    work : callable
        Takes a dataclass of tensors, None, and such dataclasses; returns one number on their device without
        waiting for it. All other data that it uses must keep their memory addresses.
    """

    def __init__(self, work: Work[Given]) -> None:
        self._work = work
        self.forget()

    def forget(self) -> None:
        """Discard recordings, because other data of the work have moved in memory."""
        self._times: dict[object, int] = {}
        self._recorded: dict[object, _Recorded[Given] | None] = {}

    @property
    def recorded(self) -> int:
        """Number of recordings."""
        return sum(one is not None for one in self._recorded.values())

    def __call__(self, given: Given) -> Tensor:
        """Execute or replay the work."""
        tensors = list(_tensors(given))
        if not all(tensor.is_cuda for tensor in tensors):
            return self._work(given)
        shapes = tuple((tensor.shape, tensor.dtype) for tensor in tensors)
        if shapes not in self._recorded:
            self._times[shapes] = self._times.get(shapes, 0) + 1
            if self._times[shapes] <= EAGER:
                return self._work(given)
            self._recorded[shapes] = _record(self._work, given)
        recorded = self._recorded[shapes]
        return self._work(given) if recorded is None else recorded(tensors)


class _Recorded(Generic[Given]):
    """Recorded work with its input buffers; recording executes nothing."""

    def __init__(self, work: Work[Given], given: Given) -> None:
        self._given = [tensor.clone() for tensor in _tensors(given)]
        self._graph = torch.cuda.CUDAGraph()
        own = _with(given, iter(self._given))
        torch.cuda.synchronize()
        gc.collect()
        torch.cuda.empty_cache()
        with torch.cuda.graph(self._graph):
            self._result = work(own)

    def __call__(self, tensors: list[Tensor]) -> Tensor:
        for own, tensor in zip(self._given, tensors, strict=True):
            own.copy_(tensor)
        self._graph.replay()
        return self._result.clone()


def _record(work: Work[Given], given: Given) -> _Recorded[Given] | None:
    try:
        return _Recorded(work, given)
    except RuntimeError:  # an operation cannot be recorded, or memory is insufficient
        return None


def recording() -> bool:
    """Whether work is being recorded, so that operations are not executed."""
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


def _tensors(given: object) -> Iterator[Tensor]:
    """Yield every tensor of a dataclass, in the order of the fields."""
    if isinstance(given, Tensor):
        yield given
    elif dataclasses.is_dataclass(given):
        for field in dataclasses.fields(given):
            yield from _tensors(getattr(given, field.name))


def _with(given: Any, tensors: Iterator[Tensor]) -> Any:
    """Return a copy of a dataclass with other tensors."""
    if isinstance(given, Tensor):
        return next(tensors)
    if not dataclasses.is_dataclass(given) or isinstance(given, type):
        return given
    names = [field.name for field in dataclasses.fields(given)]
    return type(given)(**{name: _with(getattr(given, name), tensors) for name in names})
