"""What happens before a network of Instant runs, as tests wish it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from core.instant.network import InstantNetwork


@contextmanager
def before_each_run(call: Callable[[tuple[int, ...]], object]) -> Iterator[None]:
    """Call a function with the rows and columns of what a network is given, before it runs."""

    def before(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, InstantNetwork):
            call(tuple(given[0].shape[-2:]))

    hook = register_module_forward_pre_hook(before)
    try:
        yield
    finally:
        hook.remove()
