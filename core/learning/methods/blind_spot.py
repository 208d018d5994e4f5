"""Noise2Void and related methods, which predict pixels that are hidden from the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from core.errors import QuietfieldError
from core.instant.constants import MEAN
from core.learning.architecture import DEPTHS, Architecture
from core.learning.base import Learned, Resolved
from core.learning.papers import BROADDUS_2020, HOECK_2022, KRULL_2019
from core.learning.presets import PRESETS, Preset
from core.learning.seeing import Seeing
from core.learning.volumetric import LEAST_PLANES, check_volume, poolings_along_z
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
        "volume": Preset(
            label="Volume",
            help="A network for volumes (Z-stacks): ten minutes on two CPU cores.",
            changes={"space": "3D", "patch": 32, "batch": 1, "seconds": 600.0, "validation_patches": 8},
        ),
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

    space: str = param(
        "2D", "Network for", choices={"2D": "Planes (2D)", "3D": "Volumes (3D)"},
        help="A network for volumes sees the planes above and below, and ends in a three-dimensional PSF if "
        "there is one. It takes about three times longer for each pixel.",
    )  # fmt: skip
    planes: int = param(
        16, "Patch depth", unit="planes", ge=LEAST_PLANES, le=256, step=4, advanced=True, by_preset=True,
        help="Planes of the training patches of a network for volumes; fewer if the stack has fewer.",
    )  # fmt: skip
    z_poolings: str = param(
        "auto", "Poolings along Z", advanced=True,
        choices={"auto": "As the Z step allows", **{str(n): str(n) for n in range(DEPTHS[1])}},
        help="Number of levels of a network for volumes at which the planes are halved too: those at which "
        "planes are not farther apart than pixels; none if the Z step is unknown.",
    )  # fmt: skip

    def examples(self, setup: Setup) -> Examples:
        """Return patches with single hidden pixels."""
        from core.learning.parts.examples import HiddenPixels

        return HiddenPixels(setup, box=self.box, neighbourhood=self.neighbourhood)

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with findings about reasons against training on hidden pixels."""
        method = self.in_space(stack)
        context.step(0.0, "Measuring the noise")
        from core.learning.obstacles import obstacles  # imports scipy, which the first window does not need

        return Resolved(method=method, findings=(*obstacles(stack, context), *self.shared(stack)))

    def in_space(self, stack: Stack) -> BlindSpot:
        """Return the method with the poolings along Z that suit a stack.

        Raises
        ------
        QuietfieldError
            If the stack lacks the planes or neighbours of the network.
        """
        if self.space == "2D":
            self.look_beside(stack)
            return self
        check_volume(self.label, "T" if self.neighbours == MEAN else self.along, stack)
        found = self.z_poolings
        if found == "auto":
            planes = min(self.planes, stack.sizes["Z"])
            found = str(poolings_along_z(stack.meta.spacing, self.depth, planes))
        if int(found) >= self.depth or LEAST_PLANES * 2 ** int(found) > stack.sizes["Z"]:
            raise QuietfieldError(
                f"{found} poolings along Z are too many for a network of {self.depth} levels and the "
                f"{stack.sizes['Z']} planes of {stack.meta.name}. Set them to automatic."
            )
        return replace(self, z_poolings=found)

    def patch_planes(self, stack: Stack) -> int:
        """Return the number of planes of a training patch; 0 for a network for single planes.

        It is a multiple of the poolings along Z, and at least one.
        """
        if self.space == "2D":
            return 0
        step: int = 2 ** self.architecture().deep
        return max(min(self.planes, stack.sizes["Z"]) // step * step, step, LEAST_PLANES)

    def architecture(self) -> Architecture:
        """Return the description of the network."""
        network = Seeing.architecture(self)
        if self.space == "2D":
            return network
        return replace(network, space="3D", deep=0 if self.z_poolings == "auto" else int(self.z_poolings))

    def continuing(self, other: Learned) -> BlindSpot:
        """Return the method with the poolings along Z of a network that is to be trained further."""
        if isinstance(other, BlindSpot) and self.space == other.space == "3D" and self.z_poolings == "auto":
            return replace(self, z_poolings=other.z_poolings)
        return self

    def same_network(self, other: Learned) -> bool:
        """Return whether this method can continue the training of a network trained with `other`."""
        return Seeing.same_network(self.continuing(other), other)


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
        method = cast(StructNoise2Void, self.in_space(stack))
        context.step(0.0, "Measuring the noise")
        shared = self.shared(stack)
        if self.line != "auto":
            return Resolved(method=method, findings=shared)
        from core.learning.training_advice import lines  # imports scipy, which the first window does not need

        line, finding = lines(stack, self.reach)
        return Resolved(method=replace(method, line=line or "none"), findings=(finding, *shared))
