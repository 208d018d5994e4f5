"""The learned methods: each in a few lines that say where it differs from the others.

Nothing here needs torch, so that forms and lists of methods appear at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from core.errors import QuietfieldError
from core.instant.method import MAKITALO_2013, neighbours, quality
from core.learning.learned import DEPTHS, Adapting, BlindSpot, Learned, Seeing, preset
from core.learning.presets import PAIRED, PRESETS, Preset
from core.learning.strategy import Architecture, Direction, Strategy
from core.methods.base import register
from core.params import param
from core.stack import Stack

__all__ = [
    "DEPTHS",
    "PRESETS",
    "BlindSpot",
    "Care",
    "DecoNoising",
    "Learned",
    "Noise2Noise",
    "Noise2Void",
    "Noise2Void2",
    "Noise2VoidConvolved",
    "Preset",
    "Quietfield",
    "Strategy",
    "StructNoise2Void",
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
LEHTINEN_2018 = (
    "Lehtinen J, Munkberg J, Hasselgren J, Laine S, Karras T, Aittala M, Aila T. Noise2Noise: learning image "
    "restoration without clean data. International Conference on Machine Learning (ICML), 2018. "
    "arXiv:1803.04189"
)
WEIGERT_2018 = (
    "Weigert M, Schmidt U, Boothe T, et al. Content-aware image restoration: pushing the limits of "
    "fluorescence microscopy. Nature Methods 15, 2018. doi:10.1038/s41592-018-0216-7"
)
BROADDUS_2020 = (
    "Broaddus C, Krull A, Weigert M, Schmidt U, Myers G. Removing structured noise with self-supervised "
    "blind-spot networks. IEEE International Symposium on Biomedical Imaging (ISBI), 2020. "
    "doi:10.1109/ISBI45749.2020.9098336"
)


@register("quietfield", label="Quietfield", group="learned", version=3)
@dataclass(frozen=True, slots=True, kw_only=True)
class Quietfield(Adapting):
    """Train the network of Instant further on the stack itself, as far as that helps.

    Single pixels are hidden and predicted as in Noise2Void (doi:10.1109/CVPR.2019.00223), but show what the
    network expects there meanwhile, so that it does not forget to use them. The network kept lies
    halfway between that of Instant and the trained one; where it does not predict hidden pixels of the
    held-out parts better, it is that of Instant. The noise must be independent from pixel to pixel.
    """

    citations: ClassVar[tuple[str, ...]] = (KRULL_2019, MAKITALO_2013)

    quality: str = quality(
        "Best trains the larger network of Instant, and takes the mean over eight orientations: slower, and "
        "mostly better."
    )
    neighbours: str = neighbours(
        "As found uses them where they lower the error at hidden pixels for certain: not where fields differ "
        "or things move too far.",
        found=True,
    )
    train: str = param(
        "auto", "Train", advanced=True,
        choices={"auto": "Where noise allows", "yes": "Always", "no": "Never"},
        help="Pixels whose noise is shared by their neighbours teach the network to keep noise: by default "
        "the network of Instant is left as it is on such stacks.",
    )  # fmt: skip

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(
            replacement="surroundings", adapts=True, idle=self.train == "no",
            eightfold=self.quality == "best", along=self.along,
        )  # fmt: skip

    def architecture(self) -> Architecture:
        """What its network looks like."""
        return Architecture(kind="best" if self.quality == "best" else "instant")

    def settled(self, stack: Stack) -> tuple[Learned, str]:
        """Look whether hidden pixels can be learned from, and whether neighbours help to predict them."""
        self.look_beside(stack)
        method, words = self._trained_where_possible(stack)
        if self.neighbours != "auto":
            return method, words
        if method.strategy().idle:
            return replace(method, neighbours="none"), words
        from core.learning import context  # needs torch, for which the window need not wait

        along, found = context.neighbours(stack)
        return replace(method, neighbours=along), f"{words} {found}".strip()

    def _trained_where_possible(self, stack: Stack) -> tuple[Quietfield, str]:
        if self.train == "no":
            return self, ""
        from core.instant.network import LEAST  # needs torch, for which the window need not wait
        from core.learning.evidence import levels
        from core.learning.obstacles import doubted, instant_doubts, quiet

        height, width = stack.shape[-2:]
        if min(height, width) < LEAST:
            words = (
                f"The planes of {stack.meta.name} have {width} x {height} pixels; the network of Instant "
                f"needs at least {LEAST} x {LEAST} to be trained on."
            )
            if self.train == "yes":
                raise QuietfieldError(
                    f"{words} Train where noise allows, choose Noise2Void, or a larger field."
                )
            return replace(self, train="no"), f"{words} It is left as it is."
        told = instant_doubts(stack)
        silent = quiet(told)
        found = [noise for at, (_, noise) in enumerate(levels(stack)) if at not in silent]
        shared = [noise.warning for noise in found if not noise.blind_spot_valid][:1]
        words = " ".join([*shared, doubted(stack, told)]).strip()
        if self.train == "yes" or (found and not shared):
            return self, words
        return replace(self, train="no"), (
            f"{words} The network of Instant{', which knows of such noise,' if shared else ''} "
            "is left as it is."
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
        return Strategy(replacement="median", along=self.along)

    def architecture(self) -> Architecture:
        """What its network looks like."""
        return replace(BlindSpot.architecture(self), pooling="blur", top_skip=False)


@register("structn2v", label="structN2V", group="learned")
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

    def settled(self, stack: Stack) -> tuple[Learned, str]:
        """Choose the lines along which the noise is correlated, where that is to be measured."""
        self.look_beside(stack)
        if self.line != "auto":
            return self, ""
        from core.learning.evidence import lines  # needs scipy, for which the window need not wait

        line, words = lines(stack, self.reach)
        return replace(self, line=line or "none"), words


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
        return Strategy(prediction_sigma=self.sigma, along=self.along)


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
            along=self.along,
        )


@register("noise2noise", label="Noise2Noise", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Noise(Learned):
    """Predict one frame from another, for stacks whose frames all show the same scene.

    Lehtinen et al. 2018 (arXiv:1803.04189). The noise must be independent from frame to frame; within a
    frame it may be correlated. Training pairs every frame with every other one; the trained
    network looks at one frame at a time.
    """

    citations: ClassVar[tuple[str, ...]] = (LEHTINEN_2018,)
    presets: ClassVar[Mapping[str, Preset]] = PAIRED

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(supervision="frames")

    def settled(self, stack: Stack) -> tuple[Learned, str]:
        """Refuse stacks without time, and warn of scenes that move."""
        if "T" not in stack.axes:
            raise QuietfieldError(
                f"{stack.meta.name} has no frames in time, between which Noise2Noise could learn. If its "
                "planes are repeated shots of one scene, say that they are T; else choose another method."
            )
        from core.learning.evidence import motion  # needs scipy, for which the window need not wait

        return self, motion(stack)


@register("care", label="CARE", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Care(Seeing):
    """Predict a clean image from a noisy one, learned from a clean stack of the same places.

    Content-aware image restoration, Weigert et al. 2018 (doi:10.1038/s41592-018-0216-7). The clean
    stack, of more light or averaged over many shots, has to show every pixel of the noisy one. Both are
    normalised by themselves, and results are in the counts of the clean stack.
    """

    citations: ClassVar[tuple[str, ...]] = (WEIGERT_2018,)
    presets: ClassVar[Mapping[str, Preset]] = PAIRED

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(supervision="target", along=self.along)
