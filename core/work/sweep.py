"""The sweep: train a method with a PSF at several sigmas, and find which one the data prefer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import QuietfieldError
from core.learning.methods.blurred import Blurred
from core.progress import Context
from core.psf.doubt import unsure_finding
from core.psf.estimate import Estimate, estimate_sigma
from core.stack import Stack
from core.work.compare import Budget, Compared, compare

MOST = 20
"""Maximum number of sigmas."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Swept:
    """One trained network of a sweep.

    Attributes
    ----------
    sigma : float
        Standard deviation of the PSF in pixels.
    compared : Compared
        Results and network.
    loss : float
        Loss of the network at hidden pixels of held-out parts, on the same masks for all; NaN if unknown.
    misfit : float
        Loss of hidden pixels after a deconvolution with this sigma, above the smallest one; NaN without an
        estimate.
    """

    sigma: float
    compared: Compared
    loss: float
    misfit: float


def check_sigmas(sigmas: Sequence[float]) -> tuple[float, ...]:
    """Return the sigmas in ascending order, each once.

    Raises
    ------
    QuietfieldError
        If there are fewer than two or too many, or one is not a finite number above 0.
    """
    each = tuple(sorted(set(sigmas)))
    for sigma in each:
        if not (math.isfinite(sigma) and 0 < sigma <= 10):
            raise QuietfieldError(
                f"A sigma of {sigma:g} px cannot be swept; it must be above 0, up to 10 px."
            )
    if not 2 <= len(each) <= MOST:
        raise QuietfieldError(f"A sweep needs 2 to {MOST} different sigmas; {len(each)} were given.")
    return each


def find_estimate(stack: Stack, context: Context) -> tuple[Estimate | None, str]:
    """Return the estimate of the PSF, or None and why there is none."""
    try:
        return estimate_sigma(stack, context), ""
    except QuietfieldError as error:
        return None, str(error)


def sweep(
    stack: Stack, method: Blurred, sigmas: Sequence[float], *, budget: Budget | None = None,
    estimate: Estimate | None = None, trained_on: Stack | None = None, context: Context | None = None,
) -> Iterator[Swept]:  # fmt: skip
    """Train a method with several sigmas and equal budgets; yield each result as soon as it is complete.

    Parameters
    ----------
    stack : Stack
        Stack to apply the networks to.
    method : Blurred
        Method; its PSF is replaced.
    sigmas : sequence of float
        Standard deviations in pixels.
    budget : Budget, optional
        Resources of each training.
    estimate : Estimate, optional
        Estimate of the PSF, for `Swept.misfit`.
    trained_on : Stack, optional
        Training stack; by default `stack`.
    context : Context, optional
        Progress and cancellation; what has been yielded remains valid.

    Raises
    ------
    QuietfieldError
        If the sigmas make no sense, or the method cannot be trained.
    """
    each = check_sigmas(sigmas)
    made = compare(stack, with_sigmas(method, each), budget=budget, trained_on=trained_on, context=context)
    for sigma, compared in zip(each, made, strict=True):
        curve = compared.model.record.curve if compared.model is not None else ()
        loss = curve[-1][2] if curve else math.nan
        yield Swept(sigma=sigma, compared=compared, loss=loss, misfit=misfit_at(estimate, sigma))


def with_sigmas(method: Blurred, sigmas: Sequence[float]) -> list[Blurred]:
    """Return a method with Gaussian PSFs of several sigmas."""
    return [replace(method, sigma=sigma, psf="") for sigma in sigmas]


def misfit_at(estimate: Estimate | None, sigma: float) -> float:
    """Return the interpolated loss of hidden pixels of an estimate at a sigma; NaN without one."""
    if estimate is None:
        return math.nan
    return float(np.interp(math.log(sigma), np.log(estimate.widths), estimate.losses))


def rank(swept: Sequence[Swept]) -> list[Swept]:
    """Return the results of a sweep, the preferred sigma first.

    The loss of hidden pixels after a deconvolution decides: it is smallest near the true sigma. The loss of
    the networks is not, because within short trainings narrow PSFs are learned faster; it decides only if
    there is no estimate.
    """
    if any(math.isnan(one.misfit) for one in swept):
        return sorted(swept, key=lambda one: math.inf if math.isnan(one.loss) else one.loss)
    return sorted(swept, key=lambda one: one.misfit)


def verdict(swept: Sequence[Swept], estimate: Estimate | None, why_not: str = "") -> str:
    """Return a sentence about the preferred sigma."""
    if not swept:
        return "No sigma has been tried to the end."
    best = rank(swept)[0].sigma
    if estimate is None:
        return (
            f"Sigma {best:g} px has the lowest loss of the networks at hidden pixels, which favours narrow "
            f"PSFs. {why_not}"
        ).strip()
    words = f"Sigma {best:g} px is preferred: the estimate from hidden pixels is {estimate.sigma:.3g} px"
    if math.isfinite(estimate.error):
        words += f" (standard error {estimate.error:.2g} px)"
    tried = [one.sigma for one in swept]
    if not 0.9 * min(tried) <= estimate.sigma <= 1.1 * max(tried):
        words += ", outside the tried range; try sigmas around it"
    unsure = unsure_finding(estimate.psf)
    return f"{words}." if unsure is None else f"{words}. {unsure.text}"
