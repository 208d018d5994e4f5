"""What a method is, and what it does to a stack."""

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
from core.stack import Pixels, Region, Stack

WHOLE = sys.maxsize
"""Halo of a method that has to see the whole of an axis."""

Group = Literal["instant", "filter", "noise", "learned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of a stack, with the neighbours a method asked for.

    Attributes
    ----------
    pixels : ndarray
        Pixels, one axis for each letter; float32, or the stack's own type for a method
        with `native`.
    axes : str
        Letters of the axes.
    origin : tuple of int
        Index in the stack of the first pixel.
    shape : tuple of int
        Shape of the whole stack.
    kept : tuple of slice, or None
        Part of `pixels` whose results are kept, the rest being neighbours; None for all of it.
    """

    pixels: Pixels
    axes: str
    origin: tuple[int, ...]
    shape: tuple[int, ...]
    kept: tuple[slice, ...] | None = None

    @property
    def wanted(self) -> list[tuple[int, ...]]:
        """Where the planes (Y, X) lie whose results are kept: their indices along the other axes."""
        lead = self.pixels.shape[:-2]
        kept = [range(*part.indices(n)) for part, n in zip(self.kept or (), lead, strict=False)]
        return list(itertools.product(*(kept or map(range, lead))))


class Operation:
    """Something that turns a stack into others of the same shape, a block at a time.

    It knows all that it has to know of the whole stack: what a method is bound to.

    Attributes
    ----------
    alignment : int
        Blocks start at multiples of this along Y and X.
    native : bool
        Whether blocks come in the stack's own type instead of float32.
    parallel : bool
        Whether several blocks may be computed at once in threads.
    skips : bool
        Whether planes outside ``block.kept`` are not computed, so that neighbouring ones are only read.
    """

    __slots__ = ()
    alignment: ClassVar[int] = 1
    native: ClassVar[bool] = False
    parallel: ClassVar[bool] = True
    skips: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """What to call it while it works."""
        return ""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What it computes; most operations have one output."""
        return (RESULT,)

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if it cannot work on a stack with these axes."""
        self.halo(axes)

    def bind(self, stack: Stack, context: Context) -> Operation:  # noqa: ARG002
        """Return itself, which is bound already."""
        return self

    def halo(self, axes: str) -> Mapping[str, int]:
        """Neighbours needed on each side along each axis (0 for those not named, `WHOLE` for all).

        Raises
        ------
        QuietfieldError
            If it cannot work on a stack with these axes.
        """
        raise NotImplementedError

    def findings(self, stack: Stack, region: Region) -> tuple[Finding, ...]:  # noqa: ARG002
        """Find what may make results worse than usual or could make them better.

        Parameters
        ----------
        stack : Stack
            Stack that the operation works on.
        region : tuple of slice
            Part of one plane that is examined.
        """
        return ()

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Compute every output for a block, each of the block's shape.

        Borders of the block are treated as borders of the stack (reflected); the caller cuts
        off what was computed from them inside the stack. Outside ``block.kept`` results may be anything.
        """
        raise NotImplementedError


@runtime_checkable
class Bindable(Protocol):
    """What can be applied to a stack once it is bound to it: a method, or a trained network."""

    @property
    def label(self) -> str:
        """What to call it."""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What it computes."""

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if it cannot work on a stack with these axes."""

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Find out what has to be known of the whole stack, and return the operation that knows it."""


class Method:
    """Anything a person can choose by name; its dataclass fields are its parameters.

    Subclasses are frozen, slotted, keyword-only dataclasses decorated with `named`.
    """

    __slots__ = ()
    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    label: ClassVar[str] = ""
    group: ClassVar[Group] = "filter"
    citations: ClassVar[tuple[str, ...]] = ()
    """Papers to cite for the method, the first one first."""
    possible: ClassVar[tuple[Output, ...]] = (RESULT,)
    """Outputs that the method can give, the usual one first."""
    mix: ClassVar[str] = ""
    """Parameter, 0 to 1, that gives the share of the first output that comes from the method, the rest being
    the input; "" for none. Another mixture needs nothing computed again."""

    def __post_init__(self) -> None:
        params.validate(self)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Outputs that the method gives with these parameters."""
        return self.possible

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if the method cannot work on a stack with these axes."""

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Find out what has to be known of the whole stack, and return the operation that knows it.

        Parameters
        ----------
        stack : Stack
            Stack to work on.
        context : Context
            Progress and cancellation.

        Raises
        ------
        QuietfieldError
            If the method cannot work on this stack.
        """
        raise NotImplementedError

    @classmethod
    def in_brief(cls, given: Mapping[str, Value]) -> str:
        """Tell one result of the method from another in a few words.

        These are the first two numbers among the parameters, and whatever else differs from its default.
        """
        known = [p for p in params.describe(cls) if p.name in given]
        numbers = [p for p in known if p.kind in ("float", "int") and p.name != "seed"][:2]
        return ", ".join(p.show(given[p.name]) for p in known if p in numbers or given[p.name] != p.default)


class BlockMethod(Method, Operation):
    """A method that needs to know nothing of the whole stack: it is its own operation."""

    __slots__ = ()

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if the method cannot work on a stack with these axes."""
        self.halo(axes)

    def bind(self, stack: Stack, context: Context) -> Operation:  # noqa: ARG002
        """Return the method itself."""
        return self


_M = TypeVar("_M", bound=type[Method])


def named(name: str, *, label: str, group: Group = "filter", version: int = 1) -> Callable[[_M], _M]:
    """Give a class of methods its `name` (lower case, dashes), `label`, `group` and `version`."""

    def set_names(cls: _M) -> _M:
        cls.name, cls.label, cls.group, cls.version = name, label, group, version
        return cls

    return set_names


def summary(cls: type[Method]) -> str:
    """First sentence of a method's description."""
    return (cls.__doc__ or "").strip().partition("\n")[0]
