"""Instant as a method on the list; the network is loaded when pixels are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.methods.base import Block, Operation, register
from core.params import param
from core.progress import Context
from core.stack import Stack

MAKITALO_2013 = (
    "Mäkitalo M, Foi A. Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian "
    "noise. IEEE Transactions on Image Processing 22, 91-103 (2013). doi:10.1109/TIP.2012.2202675"
)


@register("instant", label="Instant", group="instant")
@dataclass(frozen=True, slots=True, kw_only=True)
class Instant(Operation):
    """Denoise with a network that was trained on simulated microscopy and needs no training.

    The noise of the stack is measured (variance by intensity, correlation of neighbours), made
    uniform by a generalised Anscombe transform, removed by the network, and the transform undone.
    """

    citations: ClassVar[tuple[str, ...]] = (MAKITALO_2013,)

    strength: float = param(
        1.0, "Strength", ge=0.0, le=1.0, step=0.05,
        help="1 gives the denoised image, 0 the raw one, anything between a mixture of both.",
    )  # fmt: skip
    averaging: str = param(
        "none", "Averaging",
        choices={"none": "None", "eight": "Eight orientations"},
        help="Denoise the image turned and mirrored in eight ways and take the mean: a little better, and "
        "eight times as slow.",
    )  # fmt: skip
    noise: str = param(
        "auto", "Noise of", advanced=True,
        choices={"auto": "Automatic", "stack": "The whole stack", "plane": "Every plane by itself"},
        help="Measure the noise once for each channel, or for every plane where contrast or exposure differ "
        "from plane to plane. Automatic compares some planes.",
    )  # fmt: skip

    def prepare(self, stack: Stack) -> Operation:
        """Measure the noise of the stack, once, and load the network."""
        from core.instant.denoiser import Denoiser
        from core.instant.measuring import measure
        from core.instant.weights import load_network

        noise = stack.fact(f"instant noise, {self.noise}", lambda: measure(stack, self.noise))
        network, _ = load_network()
        return Denoiser(
            network=network, noise=noise, strength=self.strength, eightfold=self.averaging == "eight"
        )

    def halo(self, axes: str) -> Mapping[str, int]:  # noqa: ARG002
        """Neighbours needed: what the network sees, or all of the plane if its own noise is measured."""
        from core.instant.reach import REACH

        return {"Y": REACH, "X": REACH}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        """Denoise a block that is taken for the whole of a stack."""
        return self.prepare(Stack.of(block.pixels, block.axes)).compute(block, context)
