"""The network of Instant with samples of the prior of every pixel as output."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.instant.network import InstantNetwork, Prediction, Shape


class PriorNetwork(InstantNetwork):
    """Network of Instant that also emits samples of the distribution of its error.

    A sample is a number of expected standard errors. An untrained network emits the quantiles of a standard
    normal distribution.

    Parameters
    ----------
    shape : Shape
        Channels and depth of each level.
    samples : int
        Number of samples.
    """

    def __init__(self, shape: Shape, samples: int) -> None:
        super().__init__(shape)
        self.samples = samples
        self.spread = nn.Conv2d(shape.widths[0], 4 * samples, 1)
        nn.init.zeros_(self.spread.weight)
        levels = (torch.arange(samples) + 0.5) / samples
        with torch.no_grad():
            assert self.spread.bias is not None
            self.spread.bias.copy_(torch.special.ndtri(levels).repeat_interleave(4))

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of a prediction on the processor per pixel, of which one in 16 gets samples at a time.

        Measured with 100 samples: 373 and 557 for the networks that ship; in training 1117 and 1783.
        """
        return super().bytes_per_pixel + 3 * self.samples

    def forward(
        self,
        images: Tensor,
        correlation: Tensor,
        beside: Tensor | None = None,
        *,
        expect: bool = True,
        chosen: Tensor | None = None,
    ) -> Prediction:
        """Denoise images, and emit samples of the error.

        Parameters
        ----------
        images, correlation, beside, expect
            As in `InstantNetwork.forward`.
        chosen : Tensor or None
            Indices of pixels in flattened images, (N, M), that get samples; None for all pixels.

        Returns
        -------
        Prediction
            With `spreads` (N, samples, M).
        """
        found = self.analyse(images, correlation, beside)
        if chosen is None:
            spreads = functional.pixel_shuffle(self.spread(found.features), 2).flatten(2)
        else:
            spreads = self._spreads(found.features, chosen, images.shape[-1])
        return Prediction(found.denoised, self.expected(found) if expect else None, spreads)

    def _spreads(self, features: Tensor, chosen: Tensor, width: int) -> Tensor:
        row, column = chosen // width, chosen % width
        half = row // 2 * (width // 2) + column // 2
        phase = row % 2 * 2 + column % 2
        known = features.flatten(2).gather(2, half[:, None].expand(-1, features.shape[1], -1))
        four = self.spread(known[..., None])[..., 0].unflatten(1, (self.samples, 4))
        index = phase[:, None, None].expand(-1, self.samples, 1, -1)
        return torch.take_along_dim(four, index, 2)[:, :, 0]
