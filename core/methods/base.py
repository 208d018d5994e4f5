"""Methods, and the operations that they apply to a stack."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core import params
from core.findings import Finding
from core.methods.outputs import RESULT, Output
from core.params import Value
from core.progress import Context
from core.recorded import Recorded
from core.stack import Pixels, Region, Stack, channel_of

WHOLE = sys.maxsize
"""Halo of a method that needs all pixels along an axis."""

Group = Literal["instant", "filter", "noise", "learned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of a stack, including its halo.

    Attributes
    ----------
    pixels : ndarray
        Pixels, one axis for each letter; float32, or the type of the stack for a method
        with `native`.
    axes : str
        Letters of the axes.
    origin : tuple of int
        Index of the first pixel in the stack.
    shape : tuple of int
        Shape of the whole stack.
    kept : tuple of slice, or None
        Part of `pixels` whose results are used; the rest is the halo. None for all of it.
    recorded : ndarray of bool, or None
        Which of `pixels` were recorded, with their shape; None for all. The others have arbitrary values,
        NaN among them, which must not affect any result. Their own results are replaced by the caller.
    """

    pixels: Pixels
    axes: str
    origin: tuple[int, ...]
    shape: tuple[int, ...]
    kept: tuple[slice, ...] | None = None
    recorded: NDArray[np.bool_] | None = None

    @property
    def wanted(self) -> list[tuple[int, ...]]:
        """Return the positions of the planes (Y, X) whose results are used: indices along the other axes."""
        lead = self.pixels.shape[:-2]
        kept = [range(*part.indices(n)) for part, n in zip(self.kept or (), lead, strict=False)]
        return list(itertools.product(*(kept or map(range, lead))))


class Operation:
    """Transforms a stack to stacks of the same shape, one block at a time.

    An operation is bound to a stack: it has all information about the whole stack that it needs.

    Attributes
    ----------
    alignment : int
        Blocks start at multiples of this number along Y and X.
    native : bool
        Whether blocks have the type of the stack instead of float32.
    parallel : bool
        Whether several blocks may be computed at once in threads.
    skips : bool
        Whether planes outside ``block.kept`` are only read as neighbours, and not computed.
    equivariant : bool
        Whether results of pixels times a constant are the results times that constant.
    """

    __slots__ = ()
    alignment: ClassVar[int] = 1
    native: ClassVar[bool] = False
    parallel: ClassVar[bool] = True
    skips: ClassVar[bool] = False
    equivariant: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """Name of the operation in progress messages."""
        return ""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Outputs; most operations have one output."""
        return (RESULT,)

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if the operation cannot be applied to a stack with these axes."""
        self.halo(axes)

    def bind(self, stack: Stack, context: Context) -> Operation:  # noqa: ARG002
        """Return the operation itself, which is already bound."""
        return self

    def halo(self, axes: str) -> Mapping[str, int]:
        """Return the halo: pixels needed on each side along each axis (default 0, `WHOLE` for all).

        Raises
        ------
        QuietfieldError
            If the operation cannot be applied to a stack with these axes.
        """
        raise NotImplementedError

    def findings(self, stack: Stack, region: Region) -> tuple[Finding, ...]:
        """Return findings about the stack: reasons for worse results, and possible improvements.

        Parameters
        ----------
        stack : Stack
            Input of the operation.
        region : tuple of slice
            Region of one plane to examine.
        """
        return Recorded.of(stack).findings(channel_of(region, stack.axes))

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Compute every output of a block, each with the shape of the block.

        Borders of the block are treated as borders of the stack (reflected); the caller removes the halo,
        whose results are wrong inside the stack. Results outside ``block.kept`` are arbitrary.
        """
        raise NotImplementedError


@runtime_checkable
class Bindable(Protocol):
    """A method, or a trained network, which can be applied to a stack after binding."""

    @property
    def label(self) -> str:
        """Name for users."""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Outputs."""

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if it cannot be applied to a stack with these axes."""

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Determine all that is needed about the whole stack, and return the bound operation."""


class Method:
    """A method that users select by name; its dataclass fields are its parameters.

    Subclasses are frozen, slotted, keyword-only dataclasses decorated with `named`.
    """

    __slots__ = ()
    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    label: ClassVar[str] = ""
    group: ClassVar[Group] = "filter"
    citations: ClassVar[tuple[str, ...]] = ()
    """Papers to cite for the method, the most important one first."""
    possible: ClassVar[tuple[Output, ...]] = (RESULT,)
    """Possible outputs of the method, the default one first."""
    mix: ClassVar[str] = ""
    """Parameter, 0 to 1, that blends the first output (1) with the input (0); "" for none. Changing it needs
    no new computation.
    """

    def __post_init__(self) -> None:
        params.validate(self)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Outputs of the method with these parameters."""
        return self.possible

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if the method cannot be applied to a stack with these axes."""

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Determine all that is needed about the whole stack, and return the bound operation.

        Parameters
        ----------
        stack : Stack
            Input.
        context : Context
            Progress and cancellation.

        Returns
        -------
        Operation
            Operation bound to the stack.

        Raises
        ------
        QuietfieldError
            If the method cannot be applied to this stack.
        """
        raise NotImplementedError

    @classmethod
    def in_brief(cls, given: Mapping[str, Value]) -> str:
        """Return a short description that distinguishes results of the method.

        It contains the first two numeric parameters, and other values that differ from their defaults.
        """
        known = [p for p in params.describe(cls) if p.name in given]
        numbers = [p for p in known if p.kind in ("float", "int") and p.name != "seed"][:2]
        return ", ".join(p.show(given[p.name]) for p in known if p in numbers or given[p.name] != p.default)


class BlockMethod(Method, Operation):
    """A method that needs no information about the whole stack, and is its own operation."""

    __slots__ = ()

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if the method cannot be applied to a stack with these axes."""
        self.halo(axes)

    def bind(self, stack: Stack, context: Context) -> Operation:  # noqa: ARG002
        """Return the method itself."""
        return self


_M = TypeVar("_M", bound=type[Method])


def named(name: str, *, label: str, group: Group = "filter", version: int = 1) -> Callable[[_M], _M]:
    """Set `name` (lower case, dashes), `label`, `group` and `version` of a method class."""

    def set_names(cls: _M) -> _M:
        cls.name, cls.label, cls.group, cls.version = name, label, group, version
        return cls

    return set_names


def summary(cls: type[Method]) -> str:
    """Return the first sentence of a method's description."""
    return (cls.__doc__ or "").strip().partition("\n")[0]
