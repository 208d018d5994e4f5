"""What training makes small: the error at the pixels to be predicted, and what is added to it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from core.learning.parts.heads import Emitted
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.learning.training_advice import levels

LEAST_PHOTONS = 0.5
"""Errors are divided by the variance of as many photons as are predicted, but at least this many."""

FAR = 6.0
"""Errors of more than this many standard deviations of the noise, of defective pixels, count linearly."""


class Objective(Protocol):
    """What training makes small."""

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the loss of each patch, (N,)."""
        ...


class PixelError:
    """Mean squared error of the expected pixels, at those to be predicted.

    Subclasses with another error override `errors`.
    """

    def errors(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the error of every pixel, (N, Y, X)."""
        return (patches.target - emitted.signal).square()

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the mean error of each patch, (N,): where pixels were hidden, over these only.

        Pixels that were not measured do not count.
        """
        errors = self.errors(emitted, patches).flatten(1)
        measured = None if patches.valid is None else patches.valid.flatten(1)
        mask = patches.mask
        if mask is not None:
            errors = errors.gather(1, mask.hidden)
            measured = mask.counts if measured is None else mask.counts & measured.gather(1, mask.hidden)
        if measured is None:
            return errors.mean(1)
        return torch.where(measured, errors, 0.0).sum(1) / measured.sum(1).clamp(min=1)


class PhotonError(PixelError):
    """Mean squared error in standard deviations of the photon noise expected; large errors count linearly.

    Parameters
    ----------
    setup : Setup
        The stack, whose channels may have constant noise instead.
    """

    def __init__(self, setup: Setup) -> None:
        known = levels(setup.stack)
        self._constant = torch.tensor([s.constant_only for s, _ in known], device=setup.device)

    def errors(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the error of every pixel, (N, Y, X)."""
        constant = self._constant[patches.channel][:, None, None]
        variance = torch.where(constant, 1.0, emitted.signal.detach().clamp(min=LEAST_PHOTONS))
        errors = (patches.target - emitted.signal) / variance.sqrt()
        return 2 * nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=FAR)


class Positivity:
    """Another objective, with a penalty on negative light in the image before the PSF.

    With `PixelError` it is, in counts, sum_M (x - s)^2 / (|M| std^2) + (weight / std) mean |min(z, 0)|
    (Goncharova et al. 2020, doi:10.1007/978-3-030-66415-2_25), where x are the pixels M to be predicted,
    s those expected, and z the image before the PSF. Patches are in standard deviations from the mean, in
    which no light is at ``patches.black``.

    Parameters
    ----------
    objective : Objective
        What is made small too.
    weight : float
        Weight of the penalty.
    """

    def __init__(self, objective: Objective, weight: float) -> None:
        self._objective, self._weight = objective, weight

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the loss of each patch, (N,)."""
        losses = self._objective.losses(emitted, patches)
        negative = (patches.black[:, None, None] - emitted.sharp).clamp(min=0.0)
        return losses + self._weight * negative.flatten(1).mean(1)
