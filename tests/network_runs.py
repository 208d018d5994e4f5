"""What happens before a network runs, as tests wish it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from core.instant.network import InstantNetwork

Shape = tuple[int, ...]


@contextmanager
def before_each_run(
    call: Callable[[Shape], object], kind: type[torch.nn.Module] = InstantNetwork
) -> Iterator[None]:
    """Call a function with the rows and columns of what a network is given, before it runs."""

    def before(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, kind):
            call(tuple(given[0].shape[-2:]))

    hook = register_module_forward_pre_hook(before)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def short_of_memory(
    most: int, kind: type[torch.nn.Module] = InstantNetwork
) -> Iterator[list[tuple[int, ...]]]:
    """Let networks run out of memory above `most` rows or columns; list the shapes that they processed."""
    taken: list[Shape] = []

    def take(shape: Shape) -> None:
        if max(shape) > most:
            raise torch.OutOfMemoryError
        taken.append(shape)

    with before_each_run(take, kind):
        yield taken
