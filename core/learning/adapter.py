"""The network of Instant in training on a stack: hidden pixels, in photons, never far from where it began."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.instant.denoiser import lift
from core.instant.weights import file_of, load_network
from core.learning.base import Learned
from core.learning.masks import surrounded
from core.learning.objectives import convolve
from core.learning.optimising import Learner
from core.learning.patches import Patches
from core.learning.training_advice import levels
from core.stack import Stack

SHARE = 0.5
"""How far the weights kept lie from those of Instant towards the trained ones."""

LEAST_PHOTONS = 0.5
"""Errors count by the variance of as many photons as are predicted, and at least that of this many."""

FILLS = 2
"""How often the network predicts what hidden pixels show, before what it predicts from that counts."""

FAR = 6.0
"""Errors beyond this many standard deviations of the noise count less than their squares: they are no noise,
but pixels out of order."""

STEEPEST = 1.0
"""Largest norm of the gradient of a step."""


class Adapter(Learner):
    """The network of Instant, trained on a stack by hiding pixels from it.

    A hidden pixel shows what the network itself predicts there, found in a few passes from the mean of its
    surroundings, which say the same without it. Unlike one that shows another value, it does not teach the
    network to mistrust the pixel itself; nor, as a mean does, to sharpen what is not blurred. Where the
    method ends in a PSF, all that is compared does, the network it began with too. Patches are in photons
    as `core.learning.training_advice.photons` makes them. Planes or frames beside, where they are used, are
    shown as they are.

    Parameters
    ----------
    stack : Stack
        What to train on.
    method : Learned
        Method and parameters.
    device : torch.device
        Where to compute.
    side : int
        Side of the patches in pixels.
    """

    def __init__(self, stack: Stack, method: Learned, device: torch.device, side: int) -> None:
        super().__init__(method, device, side)
        self._start = copy.deepcopy(self.network).requires_grad_(False)
        self._mixed = copy.deepcopy(self._start)
        known = levels(stack)
        self._constant = torch.tensor([s.constant_only for s, _ in known], device=device)
        self._lift = torch.tensor([lift(s, noise) for s, noise in known], device=device)
        self._correlation = torch.tensor([noise.correlations for _, noise in known], device=device)

    def _untrained(self) -> nn.Module:
        network, _ = load_network(file_of(self._method.architecture().kind))
        network.doubt.requires_grad_(False)  # nothing here tells it how large errors are
        unused = ("doubt.",) if self._method.along else ("doubt.", "beside.", "shares.")
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not name.startswith(unused))
        return network.train()

    @property
    def current(self) -> nn.Module:
        """Network that would be kept: between that of Instant and the trained one."""
        with torch.no_grad():
            pairs = zip(self._start.parameters(), super().current.parameters(), strict=True)
            for mixed, (start, trained) in zip(self._mixed.parameters(), pairs, strict=True):
                mixed.copy_(torch.lerp(start, trained, SHARE))
        return self._mixed

    def _bound(self) -> None:
        nn.utils.clip_grad_norm_(self.network.parameters(), STEEPEST)

    def _losses(self, network: nn.Module, patches: Patches) -> Tensor:
        assert patches.mask is not None
        hidden = patches.mask.hidden
        constant = self._constant[patches.channel][:, None, None]
        light = surrounded(patches.pixels, patches.mask)
        for _ in range(FILLS):
            with torch.no_grad():
                known = self._signal(network, light, patches).flatten(1).gather(1, hidden)
            light = light.flatten(1).scatter(1, hidden, known).reshape(light.shape)
        signal = self._signal(network, light, patches)
        variance = torch.where(constant, 1.0, signal.detach().clamp(min=LEAST_PHOTONS))
        errors = ((patches.target - signal) / variance.sqrt()).flatten(1).gather(1, hidden)
        squares = 2 * nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=FAR)
        counts = patches.mask.counts
        if patches.valid is not None:
            counts = counts & patches.valid.flatten(1).gather(1, hidden)
        return torch.where(counts, squares, 0.0).sum(1) / counts.sum(1).clamp(min=1)

    def _signal(self, network: nn.Module, light: Tensor, patches: Patches) -> Tensor:
        """What the network makes of light (N, Y, X) in photons instead of the patches' own, in photons."""
        constant = self._constant[patches.channel][:, None, None, None]
        level = self._lift[patches.channel].float()[:, None, None, None]

        def shown(light: Tensor) -> Tensor:
            return torch.where(constant, light, 2 * (light + 0.375).clamp(min=0).sqrt()) + level

        others = None if patches.beside is None else shown(patches.beside)
        told = self._correlation[patches.channel].float()
        values = network(shown(light[:, None]), told, others, expect=False).denoised - level
        signal = torch.where(constant, values, values.clamp(min=0).square() / 4 - 0.375)
        return convolve(signal, self.kernel)[:, 0]

    def warm(self, weights: Mapping[str, Tensor]) -> None:
        """Start from these weights, which also become what the network kept stays close to."""
        super().warm(weights)
        self._start.load_state_dict(dict(weights))
