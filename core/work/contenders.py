"""Methods that a comparison offers and proposes, from what is known of the noise."""

from __future__ import annotations

from dataclasses import dataclass

from core import catalogue
from core.errors import QuietfieldError
from core.findings import kinds
from core.instant.method import Instant
from core.learning.base import Learned
from core.learning.obstacles import obstacles
from core.learning.seeing import Seeing
from core.methods.base import Method
from core.progress import Context
from core.stack import Stack
from core.work.compare import suitable

USUAL = ("quietfield", "n2v2", "deconoising")
"""Networks that are proposed, if the noise suits them. PN2V takes longer for a large plane than all."""

BLIND = ("n2v", "n2v2", "n2v-conv", "deconoising", "pn2v", "divnoising", "quietfield")
"""Networks that expect the noise of neighbouring pixels to be independent."""

CORRELATED = "structn2v"
"""Network that is proposed for correlated noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A method that can be compared.

    Attributes
    ----------
    method : Method
        Method with the parameters to begin with.
    proposed : bool
        Whether it is compared by default.
    doubt : str
        What is known of the stack that speaks against it; "" for nothing.
    """

    method: Method
    proposed: bool
    doubt: str = ""


def contenders(stack: Stack, context: Context | None = None) -> tuple[Contender, ...]:
    """Return all methods that can be compared on a stack, those without training first.

    Parameters
    ----------
    stack : Stack
        Stack to denoise; its noise is measured, unless it is known.
    context : Context, optional
        Progress and cancellation.
    """
    found = obstacles(stack, context)
    correlated = next(
        (f.text for f in found if f.kind in (kinds.NOISE_CORRELATED, kinds.CHANNEL_NOISE_CORRELATED)), ""
    )
    quick = [Instant(), *suitable(stack, "filter")]
    listed = [Contender(method=method, proposed=True) for method in quick]
    for method in suitable(stack, "learned"):
        if not isinstance(method, Learned) or method.needs_target or not _possible(method, stack):
            continue
        doubt = correlated if method.name in BLIND else ""
        usual = method.name in USUAL and not doubt
        listed.append(
            Contender(
                method=method, doubt=doubt, proposed=usual or bool(correlated and method.name == CORRELATED)
            )
        )
    return tuple(listed)


def proposed(stack: Stack, seconds: float) -> tuple[Method, ...]:
    """Return the methods to compare by default.

    Parameters
    ----------
    stack : Stack
        Stack to denoise.
    seconds : float
        Time of the comparison in seconds; 0 for methods without training only.
    """
    if seconds <= 0:
        return (Instant(), *suitable(stack, "filter"))
    return tuple(one.method for one in contenders(stack) if one.proposed)


def study(stack: Stack) -> tuple[Method, ...]:
    """Return the methods of the comparison that Goncharova et al. 2020 published.

    Classic filters against Noise2Void, and against DecoNoising with three widths of its PSF
    (doi:10.1007/978-3-030-66415-2_25).
    """
    widths = [{"sigma": sigma} for sigma in (0.5, 1.0, 1.5)]
    networks = [catalogue.create("n2v", {}), *(catalogue.create("deconoising", one) for one in widths)]
    return (*suitable(stack, "filter"), *networks)


def _possible(method: Learned, stack: Stack) -> bool:
    """Return whether a network with its neighbours can be trained on a stack."""
    try:
        if isinstance(method, Seeing):
            method.look_beside(stack)
    except QuietfieldError:
        return False
    return True
