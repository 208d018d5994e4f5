"""The learned methods: each in a few lines that say where it differs from the others.

Nothing here needs torch, so that forms and lists of methods appear at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.learning.learned import DEPTHS, BlindSpot, Learned, Paired, preset
from core.learning.presets import PRESETS, Preset
from core.learning.strategy import Architecture, Strategy
from core.methods.base import register
from core.params import param

__all__ = [
    "DEPTHS",
    "PRESETS",
    "BlindSpot",
    "DecoNoising",
    "Learned",
    "Noise2Void",
    "Noise2Void2",
    "Noise2VoidConvolved",
    "Paired",
    "Preset",
    "Strategy",
    "preset",
]

KRULL_2019 = (
    "Krull A, Buchholz T-O, Jug F. Noise2Void: learning denoising from single noisy images. IEEE/CVF "
    "Conference on Computer Vision and Pattern Recognition (CVPR), 2019. doi:10.1109/CVPR.2019.00223"
)
GONCHAROVA_2020 = (
    "Goncharova AS, Honigmann A, Jug F, Krull A. Improving blind spot denoising for microscopy. European "
    "Conference on Computer Vision (ECCV) Workshops, 2020. doi:10.1007/978-3-030-66415-2_25"
)
HOECK_2022 = (
    "Höck E, Buchholz T-O, Brachmann A, Jug F, Freytag A. N2V2: fixing Noise2Void checkerboard artifacts "
    "with modified sampling strategies and a tweaked network architecture. European Conference on Computer "
    "Vision (ECCV) Workshops, 2022. doi:10.1007/978-3-031-25069-9_33"
)


@register("n2v", label="Noise2Void", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Void(BlindSpot):
    """Predict every pixel from its surroundings with a network trained on the noisy stack alone.

    Krull, Buchholz, Jug 2019 (doi:10.1109/CVPR.2019.00223). The noise must be independent from
    pixel to pixel.
    """

    citations: ClassVar[tuple[str, ...]] = (KRULL_2019,)


@register("n2v2", label="N2V2", group="learned")
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
        return Strategy(replacement="median")

    def architecture(self) -> Architecture:
        """What its network looks like."""
        return Architecture(width=self.width, depth=self.depth, pooling="blur", top_skip=False)


@register("n2v-conv", label="N2V conv.", group="learned")
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
        return Strategy(prediction_sigma=self.sigma)


@register("deconoising", label="DecoNoising", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class DecoNoising(BlindSpot):
    """Predict a sharp image which, convolved with the PSF, explains the noisy pixels.

    Goncharova, Honigmann, Jug, Krull 2020 (doi:10.1007/978-3-030-66415-2_25): Noise2Void with the
    microscope's blur between network and loss. Gives a denoised and a deconvolved image.
    """

    citations: ClassVar[tuple[str, ...]] = (GONCHAROVA_2020, KRULL_2019)

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
            deconvolved=True,
        )
