"""Noise2Void and related methods, which predict pixels that are hidden from the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from core.learning.architecture import Architecture
from core.learning.base import Resolved
from core.learning.papers import BROADDUS_2020, HOECK_2022, KRULL_2019
from core.learning.presets import PRESETS, Preset
from core.learning.seeing import Seeing
from core.methods.base import named
from core.params import param
from core.progress import Context
from core.stack import Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.examples import Examples
    from core.learning.parts.setup import Setup

BLIND_SPOT: Mapping[str, Preset] = MappingProxyType(
    {
        **PRESETS,
        "deconoising-2020": Preset(
            label="DecoNoising 2020",
            help="The exact schedule of Goncharova et al. 2020, for comparison with published results; "
            "takes hours without a GPU.",
            changes={
                "width": 64, "patch": 100, "batch": 20, "box": 6, "learning_rate": 1e-3,
                "schedule": "plateau", "warmup": 0, "steps": 2000, "seconds": 0.0, "epoch": 10,
                "validation": 0.3, "validation_patches": 20, "average": 0.0, "keep": "best",
                "augment": "rotations", "reduction": "sum", "normalise": "global", "precision": "float32",
            },
        ),
    }
)  # fmt: skip
"""Presets of methods that hide pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSpot(Seeing):
    """A network trained on the noisy stack itself, to predict hidden pixels."""

    presets: ClassVar[Mapping[str, Preset]] = BLIND_SPOT

    box: int = param(
        3, "Masking box side", unit="px", ge=2, le=64, step=1, advanced=True, by_preset=True,
        help="One pixel in every box of this side is hidden from the network and predicted.",
    )  # fmt: skip
    neighbourhood: int = param(
        5, "Neighbourhood side", unit="px", ge=3, le=31, step=2, odd=True, advanced=True, by_preset=True,
        help="A hidden pixel is replaced by another pixel of this neighbourhood.",
    )  # fmt: skip

    def examples(self, setup: Setup) -> Examples:
        """Return patches with single hidden pixels."""
        from core.learning.parts.examples import HiddenPixels

        return HiddenPixels(setup, box=self.box, neighbourhood=self.neighbourhood)

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with findings about reasons against training on hidden pixels."""
        self.look_beside(stack)
        context.step(0.0, "Measuring the noise")
        from core.learning.obstacles import obstacles  # imports scipy, which the first window does not need

        return Resolved(method=self, findings=(*obstacles(stack, context), *self.shared(stack)))


@named("n2v", label="Noise2Void", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Void(BlindSpot):
    """Predict every pixel from its neighbourhood with a network trained on the noisy stack alone.

    Krull, Buchholz, Jug 2019 (doi:10.1109/CVPR.2019.00223). The noise must be independent from
    pixel to pixel.
    """

    citations: ClassVar[tuple[str, ...]] = (KRULL_2019,)


@named("n2v2", label="N2V2", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Void2(BlindSpot):
    """Noise2Void without the checkerboard artefacts that it produces in some images.

    Höck, Buchholz, Brachmann, Jug, Freytag 2022 (doi:10.1007/978-3-031-25069-9_33): a hidden pixel is
    replaced by the median of its neighbourhood without itself, the network uses blur-pooling, and it has no
    skip connection at the first level. The noise must be independent from pixel to pixel.
    """

    citations: ClassVar[tuple[str, ...]] = (HOECK_2022, KRULL_2019)

    def examples(self, setup: Setup) -> Examples:
        """Return patches with hidden pixels replaced by the median of their neighbourhood."""
        from core.learning.parts.examples import HiddenPixels

        return HiddenPixels(setup, box=self.box, neighbourhood=self.neighbourhood, median=True)

    def architecture(self) -> Architecture:
        """Return the description of the network."""
        return replace(BlindSpot.architecture(self), pooling="blur", top_skip=False)


@named("structn2v", label="structN2V", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class StructNoise2Void(BlindSpot):
    """Noise2Void for noise that is correlated along rows or columns: lines of pixels are masked.

    Broaddus, Krull, Weigert, Schmidt, Myers 2020 (doi:10.1109/ISBI45749.2020.9098336). The noise
    must be independent from line to line, or at least outside the masked lines.
    """

    citations: ClassVar[tuple[str, ...]] = (BROADDUS_2020, KRULL_2019)

    line: str = param(
        "auto", "Covered line",
        help="Axes along which the neighbours of a hidden pixel are masked too: those along which the noise "
        "is correlated.",
        choices={
            "auto": "As measured", "x": "Along rows (X)", "y": "Along columns (Y)", "both": "Along both",
            "none": "None",
        },
    )  # fmt: skip
    reach: int = param(
        5, "Line reach", unit="px", ge=1, le=64, step=1,
        help="Number of masked neighbours on each side of a hidden pixel; at least the correlation length.",
    )  # fmt: skip

    def examples(self, setup: Setup) -> Examples:
        """Return patches with masked lines of pixels."""
        if self.line in ("auto", "none"):
            return BlindSpot.examples(self, setup)
        from core.learning.parts.examples import HiddenLines

        line = cast(Literal["x", "y", "both"], self.line)
        return HiddenLines(setup, box=self.box, neighbourhood=self.neighbourhood, line=line, reach=self.reach)

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with the lines along which the noise is correlated, if they are measured."""
        self.look_beside(stack)
        context.step(0.0, "Measuring the noise")
        shared = self.shared(stack)
        if self.line != "auto":
            return Resolved(method=self, findings=shared)
        from core.learning.training_advice import lines  # imports scipy, which the first window does not need

        line, finding = lines(stack, self.reach)
        return Resolved(method=replace(self, line=line or "none"), findings=(finding, *shared))
