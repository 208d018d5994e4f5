"""The learned methods: each in a few lines that say where it differs from the others.

Nothing here needs torch, so that forms and lists of methods appear at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, cast

from core.errors import QuietfieldError
from core.findings import kinds
from core.learning.base import DEPTHS, BlindSpot, Learned, Seeing
from core.learning.papers import (
    BROADDUS_2020,
    GONCHAROVA_2020,
    HOECK_2022,
    KRULL_2019,
    LEHTINEN_2018,
    WEIGERT_2018,
)
from core.learning.quietfield import Quietfield  # first on the list
from core.learning.strategy import Architecture, Direction, Strategy
from core.methods.base import named
from core.methods.outputs import DECONVOLVED, DENOISED, Output
from core.params import param
from core.progress import Context
from core.stack import Stack

__all__ = [
    "DEPTHS",
    "BlindSpot",
    "Care",
    "DecoNoising",
    "Learned",
    "Noise2Noise",
    "Noise2Void",
    "Noise2Void2",
    "Noise2VoidConvolved",
    "Quietfield",
    "Strategy",
    "StructNoise2Void",
]


@named("n2v", label="Noise2Void", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Void(BlindSpot):
    """Predict every pixel from its surroundings with a network trained on the noisy stack alone.

    Krull, Buchholz, Jug 2019 (doi:10.1109/CVPR.2019.00223). The noise must be independent from
    pixel to pixel.
    """

    citations: ClassVar[tuple[str, ...]] = (KRULL_2019,)


@named("n2v2", label="N2V2", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Void2(BlindSpot):
    """Noise2Void without the checkerboard pattern that it leaves in some images.

    Höck, Buchholz, Brachmann, Jug, Freytag 2022 (doi:10.1007/978-3-031-25069-9_33): a hidden pixel shows
    the median of its neighbourhood without itself, images are made smaller by blur-pooling, and the first
    level of the network is not handed past the others. The noise must be independent from pixel to pixel.
    """

    citations: ClassVar[tuple[str, ...]] = (HOECK_2022, KRULL_2019)

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(replacement="median", along=self.along)

    def architecture(self) -> Architecture:
        """What its network looks like."""
        return replace(BlindSpot.architecture(self), pooling="blur", top_skip=False)


@named("structn2v", label="structN2V", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class StructNoise2Void(BlindSpot):
    """Noise2Void for noise that neighbours share along rows or columns: lines of pixels are covered.

    Broaddus, Krull, Weigert, Schmidt, Myers 2020 (doi:10.1109/ISBI45749.2020.9098336). The noise
    must be independent from line to line, or at least off the covered lines.
    """

    citations: ClassVar[tuple[str, ...]] = (BROADDUS_2020, KRULL_2019)

    line: str = param(
        "auto", "Covered line",
        help="Along which axes the neighbours of a hidden pixel are covered too: those along which they "
        "share their noise.",
        choices={
            "auto": "As measured", "x": "Along rows (X)", "y": "Along columns (Y)", "both": "Along both",
            "none": "None",
        },
    )  # fmt: skip
    reach: int = param(
        5, "Line reach", unit="px", ge=1, le=64, step=1,
        help="Neighbours covered on each side of a hidden pixel; at least as many as share its noise.",
    )  # fmt: skip

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        line = "" if self.line in ("auto", "none") else self.line
        return Strategy(line=cast(Direction, line), reach=self.reach, along=self.along)

    def resolve(self, stack: Stack, context: Context) -> tuple[Learned, str]:
        """Choose the lines along which the noise is correlated, where that is to be measured."""
        self.look_beside(stack)
        context.step(0.0, "Measuring the noise")
        shared = self.shared(stack)
        if self.line != "auto":
            return self, shared
        from core.learning.training_advice import lines  # needs scipy, for which the window need not wait

        line, words = lines(stack, self.reach)
        return replace(self, line=line or "none"), f"{words} {shared}".strip()


@named("n2v-conv", label="N2V conv.", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2VoidConvolved(BlindSpot):
    """Noise2Void whose result is convolved with a PSF, to show what mere smoothing gains.

    A control of Goncharova et al. 2020 (doi:10.1007/978-3-030-66415-2_25).
    """

    citations: ClassVar[tuple[str, ...]] = (GONCHAROVA_2020, KRULL_2019)

    sigma: float = param(
        1.0, "PSF sigma", short="sigma", unit="px", ge=0.0, le=10.0, step=0.1,
        help="Standard deviation of the Gaussian that the result is convolved with.",
    )  # fmt: skip

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(prediction_sigma=self.sigma, along=self.along)


@named("deconoising", label="DecoNoising", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class DecoNoising(BlindSpot):
    """Predict a sharp image which, convolved with the PSF, explains the noisy pixels.

    Goncharova, Honigmann, Jug, Krull 2020 (doi:10.1007/978-3-030-66415-2_25): Noise2Void with the
    microscope's blur between network and loss. Gives a denoised and a deconvolved image.
    """

    citations: ClassVar[tuple[str, ...]] = (GONCHAROVA_2020, KRULL_2019)
    possible: ClassVar[tuple[Output, ...]] = (DENOISED, DECONVOLVED)

    sigma: float = param(
        1.0, "PSF sigma", short="sigma", unit="px", ge=0.0, le=10.0, step=0.1,
        help="Standard deviation of the Gaussian that the microscope blurs a point to.",
    )  # fmt: skip
    positivity: float = param(
        0.0, "Positivity", ge=0.0, le=1000.0, step=0.1,
        help="Weight of the penalty on negative values in the deconvolved image; 1 is 'ours+' of the paper, "
        "0 is 'ours'. Needs the camera offset.",
    )  # fmt: skip
    estimate_offset: bool = param(
        True, "Estimate camera offset",
        help="Take the darkest places of the stack as the camera offset instead of the number below.",
    )  # fmt: skip
    offset: float = param(
        0.0, "Camera offset", unit="counts", ge=-1e9, le=1e9, step=1.0,
        help="What the camera gives without light; subtracted first and added to the results again.",
    )  # fmt: skip

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(
            training_sigma=self.sigma,
            prediction_sigma=self.sigma,
            positivity=self.positivity,
            offset=None if self.estimate_offset else self.offset,
            along=self.along,
        )


@named("noise2noise", label="Noise2Noise", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Noise(Learned):
    """Predict one frame from another, for stacks whose frames all show the same scene.

    Lehtinen et al. 2018 (arXiv:1803.04189). The noise must be independent from frame to frame; within a
    frame it may be correlated. Training pairs every frame with every other one; the trained
    network looks at one frame at a time.
    """

    citations: ClassVar[tuple[str, ...]] = (LEHTINEN_2018,)

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(supervision="frames")

    def resolve(self, stack: Stack, context: Context) -> tuple[Learned, str]:
        """Refuse stacks without time, and warn of scenes that move."""
        if "T" not in stack.axes:
            raise QuietfieldError(
                f"{stack.meta.name} has no frames in time, between which Noise2Noise could learn. If its "
                "planes are repeated shots of one scene, say that they are T; else choose another method."
            )
        context.step(0.0, "Comparing frames")
        from core.learning.training_advice import motion  # needs scipy, for which the window need not wait
        from core.noise.between import find_shared_noise

        found = find_shared_noise(stack, "T", kinds.TARGETS_SHARE_NOISE)
        shared = found.text if found is not None else ""
        return self, f"{motion(stack)} {shared}".strip()


@named("care", label="CARE", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Care(Seeing):
    """Predict a clean image from a noisy one, learned from a clean stack of the same places.

    Content-aware image restoration, Weigert et al. 2018 (doi:10.1038/s41592-018-0216-7). The clean
    stack, of more light or averaged over many shots, has to show every pixel of the noisy one. Both are
    normalised by themselves, and results are in the counts of the clean stack.
    """

    citations: ClassVar[tuple[str, ...]] = (WEIGERT_2018,)

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(supervision="target", along=self.along)
