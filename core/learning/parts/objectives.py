"""Objectives of the training: the error of predicted pixels, and penalties."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from core.learning.parts.heads import Emitted
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.learning.training_advice import levels

LEAST_PHOTONS = 0.5
"""Minimum number of photons whose variance divides the squared error; otherwise the predicted number."""

FAR = 6.0
"""Error, in standard deviations of the noise, above which the loss is linear, because of defective pixels."""


class Objective(Protocol):
    """Quantity that the training minimises."""

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the loss of each patch, (N,)."""
        ...


class PixelError:
    """Mean squared error of predicted pixels.

    Subclasses with another error override `errors`.
    """

    def errors(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the error of every pixel, (N, Y, X)."""
        return (patches.target - emitted.signal).square()

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the mean error of each patch, (N,), over the hidden pixels if there are any.

        Non-finite target pixels are ignored.
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
    """Mean squared error in standard deviations of the predicted photon noise; large errors are linear.

    Parameters
    ----------
    setup : Setup
        Stack, whose channels may have constant noise instead.
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
    """Another objective plus a penalty on negative light in the image before the PSF.

    With `PixelError` it is, in counts, sum_M (x - s)^2 / (|M| std^2) + (weight / std) mean |min(z, 0)|
    (Goncharova et al. 2020, doi:10.1007/978-3-030-66415-2_25), with the hidden pixels x in M, their
    predictions s, and the image z before the PSF. Patches are normalised, with no light at
    ``patches.black``.

    Parameters
    ----------
    objective : Objective
        Objective that the penalty is added to.
    weight : float
        Weight of the penalty.
    """

    def __init__(self, objective: Objective, weight: float) -> None:
        self._objective, self._weight = objective, weight

    def losses(self, emitted: Emitted, patches: Patches) -> Tensor:
        """Return the loss of each patch, (N,)."""
        losses = self._objective.losses(emitted, patches)
        negative = (patches.black[:, None] - emitted.sharp.flatten(1)).clamp(min=0.0)
        return losses + self._weight * negative.mean(1)
