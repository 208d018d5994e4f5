"""DecoNoising, which predicts an image before the PSF, and its control."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

from core import params
from core.findings import Finding, noise_kinds
from core.learning.base import Resolved
from core.learning.methods.blind_spot import BlindSpot
from core.learning.methods.blurred import Blurred
from core.learning.papers import GONCHAROVA_2020, KRULL_2019
from core.methods.base import named
from core.methods.outputs import DECONVOLVED, DENOISED, Output
from core.noise.label_free import is_label_free
from core.params import param
from core.progress import Context
from core.psf import Psf
from core.stack import Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.examples import Examples
    from core.learning.parts.objectives import Objective
    from core.learning.parts.readouts import Readout
    from core.learning.parts.setup import Setup


@named("n2v-conv", label="N2V conv.", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2VoidConvolved(Blurred):
    """Noise2Void whose result is convolved with a PSF, to show the effect of smoothing alone.

    A control of Goncharova et al. 2020 (doi:10.1007/978-3-030-66415-2_25).
    """

    citations: ClassVar[tuple[str, ...]] = (GONCHAROVA_2020, KRULL_2019)

    sigma: float = params.revise(
        Blurred, "sigma", 1.0, help="Standard deviation of the Gaussian that the result is convolved with."
    )
    psf: str = params.revise(Blurred, "psf", "")

    def readout(self) -> Readout:
        """Return a readout that convolves the image with the PSF."""
        from core.learning.parts.readouts import Denoised

        return Denoised(architecture=self.architecture(), along=self.along, psf=self.spread)


@named("deconoising", label="DecoNoising", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class DecoNoising(Blurred):
    """Predict a sharp image that, convolved with the PSF, explains the noisy pixels.

    Goncharova, Honigmann, Jug, Krull 2020 (doi:10.1007/978-3-030-66415-2_25): Noise2Void with the blur of
    the microscope between network and loss. The results are a denoised and a deconvolved image.
    """

    citations: ClassVar[tuple[str, ...]] = (GONCHAROVA_2020, KRULL_2019)
    possible: ClassVar[tuple[Output, ...]] = (DENOISED, DECONVOLVED)

    sigma: float = params.revise(Blurred, "sigma", 1.0)
    psf: str = params.revise(Blurred, "psf", "")
    positivity: float = param(
        0.0, "Positivity", ge=0.0, le=1000.0, step=0.1,
        help="Weight of the penalty on negative values in the deconvolved image; 1 is 'ours+' of the paper, "
        "0 is 'ours'. Needs the camera offset. It is not used for label-free images whose "
        "offset is unknown.",
    )  # fmt: skip
    estimate_offset: bool = param(
        True, "Estimate camera offset",
        help="Estimate the camera offset from the darkest regions, instead of using the value below.",
    )  # fmt: skip
    offset: float = param(
        0.0, "Camera offset", unit="counts", ge=-1e9, le=1e9, step=1.0,
        help="Counts without light; subtracted before training and added to the results.",
    )  # fmt: skip

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method, without positivity if the image is label-free and its offset is not given."""
        resolved = Blurred.resolve(self, stack, context)
        method = cast(DecoNoising, resolved.method)
        # where the offset is known, there is no negative light above it in any image
        if not (method.positivity and method.estimate_offset and is_label_free(stack, context)):
            return resolved
        finding = Finding(kind=noise_kinds.POSITIVITY_OFF, value=method.positivity)
        return Resolved(method=replace(method, positivity=0.0), findings=(*resolved.findings, finding))

    @property
    def blur(self) -> Psf | None:
        """The PSF between network and loss; None for no PSF."""
        return self.spread

    def examples(self, setup: Setup) -> Examples:
        """Return patches with single hidden pixels, in counts above the camera offset."""
        from core.learning.parts.examples import HiddenPixels

        offset, setup = None if self.estimate_offset else self.offset, self.oriented(setup)
        return HiddenPixels(setup, box=self.box, neighbourhood=self.neighbourhood, offset=offset)

    def objective(self, setup: Setup) -> Objective:
        """Return the squared error of hidden pixels plus the penalty on negative light."""
        from core.learning.parts.objectives import Positivity

        error = BlindSpot.objective(self, setup)
        return Positivity(error, self.positivity) if self.positivity else error

    def readout(self) -> Readout:
        """Return a readout of the images after and before the PSF."""
        from core.learning.parts.readouts import Deconvolved

        return Deconvolved(architecture=self.architecture(), along=self.along, psf=self.spread)
