"""Cancellation inside the computation of a network, which may take seconds on a processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SLOW = (torch.conv2d, torch.conv_transpose2d)
"""Operations that take most of the time. Others may not fail: some restore settings of torch."""


class Interruptible(TorchFunctionMode):
    """Calls a function before every convolution in this thread, also while gradients are computed.

    It is a context manager. The function ends the computation by raising an exception. Signals also arrive
    between these operations.

    Parameters
    ----------
    check : callable
        Function, such as `Context.check`.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call an operation, a convolution after the check."""
        if func not in _SLOW:
            return func(*args, **(kwargs or {}))
        self._check()
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.requires_grad:
            result.register_hook(self._on_gradient)  # type: ignore[no-untyped-call]
        return result

    def _on_gradient(self, gradient: Tensor) -> None:  # noqa: ARG002
        self._check()
