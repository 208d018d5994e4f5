"""The method Instant; its networks are loaded when pixels are computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from core.errors import QuietfieldError
from core.instant.constants import MEAN, SPAN
from core.methods.base import Method, Operation, named
from core.methods.outputs import EXPECTED_ERROR, RESULT, Output
from core.params import param
from core.progress import Context
from core.stack import AXIS_NAMES, Stack

MAKITALO_2013 = (
    "Mäkitalo M, Foi A. Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian "
    "noise. IEEE Transactions on Image Processing 22, 91-103 (2013). doi:10.1109/TIP.2012.2202675"
)


def quality(help: str) -> str:
    """Declare the parameter ``quality`` of methods that use the networks of Instant.

    Parameters
    ----------
    help : str
        Effect of the best quality.
    """
    choices = {"instant": "Instant", "best": "Best"}
    return param("instant", "Quality", choices=choices, help=help)


def neighbours(help: str, *, found: bool = False, mean: bool = False) -> str:
    """Declare the parameter ``neighbours`` of methods whose network can use neighbouring planes or frames.

    Parameters
    ----------
    help : str
        Effect of neighbours for the method.
    found : bool
        Whether the method may decide about neighbours from the stack, which is then the default.
    mean : bool
        Whether the mean of frames may be denoised instead of each frame.
    """
    kinds = {"none": "None", "Z": "Planes along Z", "T": "Frames along time"}
    if mean:
        kinds[MEAN] = "Mean of frames"
        help += (
            f" Mean of frames is for repeated frames of a static scene: each frame is averaged with up to "
            f"{SPAN} frames on each side before denoising. Moving structures are blurred, and changes of "
            "brightness are averaged."
        )
    return param(
        "auto" if found else "none", "Neighbours",
        choices={"auto": "Automatic", **kinds} if found else kinds,
        help=f"Use the two planes or frames before and the two after each one as additional input. {help}",
    )  # fmt: skip


@named("instant", label="Instant", group="instant", version=5)
@dataclass(frozen=True, slots=True, kw_only=True)
class Instant(Method):
    """Denoise with a network trained on simulated microscopy images; needs no training.

    The noise of the stack is estimated (variance as a function of intensity, correlation of neighbouring
    pixels). A generalised Anscombe transform makes it uniform, the network removes it, and the transform is
    inverted.
    """

    citations: ClassVar[tuple[str, ...]] = (MAKITALO_2013,)
    possible: ClassVar[tuple[Output, ...]] = (RESULT, EXPECTED_ERROR)
    mix: ClassVar[str] = "strength"

    strength: float = param(
        1.0, "Strength", ge=0.0, le=1.0, step=0.05,
        help="Weight of the denoised image: 1 is the denoised image, 0 the raw image, between them a blend.",
    )  # fmt: skip
    quality: str = quality(
        "Best averages this network and a larger one, each applied in eight orientations (rotations and "
        "reflections): better, but about forty times slower."
    )
    neighbours: str = neighbours(
        "The network uses only common structure; compare with None if the scene moves fast.", mean=True
    )
    uncertainty: bool = param(
        False, "Expected error",
        help="Also compute an image of the standard error that the network predicts for every pixel, in "
        "counts. The prediction was trained on simulated images only.",
    )  # fmt: skip
    hot: str = param(
        "keep", "Hot pixels", advanced=True, choices={"keep": "Keep", "mend": "Mend"},
        help="Hot and dead pixels of a camera, which are far brighter or darker than all their neighbours: "
        "keep their recorded values, or replace them by what the neighbours show. In both cases they do not "
        "affect the pixels around them.",
    )  # fmt: skip
    noise: str = param(
        "auto", "Noise of", advanced=True,
        choices={"auto": "Automatic", "stack": "The whole stack", "plane": "Every plane separately"},
        help="Estimate the noise once for each channel, or for every plane if contrast or exposure differ "
        "between planes. Automatic compares some planes.",
    )  # fmt: skip

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Denoised image, and its predicted error if requested."""
        return self.possible if self.uncertainty else self.possible[:1]

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if a stack with these axes lacks the selected neighbours."""
        self._along(axes)

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Estimate the noise of the stack, and load the networks."""
        from core.noise.survey import Survey

        context.step(0.0, "Measuring the noise")
        along, still = self._along(stack.axes), self.neighbours == MEAN
        noise = Survey.of(stack).noise(context)
        # frames of a static scene have the same noise, whatever their brightness
        if still or self.noise != "auto":
            noise = replace(noise, each_plane=self.noise == "plane")

        from core.instant.denoiser import Denoiser  # torch may still be loading; the noise does not need it
        from core.instant.mean_of_frames import MeanOfFrames
        from core.instant.weights import shipped

        best = self.quality == "best"
        denoiser = Denoiser(
            networks=shipped(self.quality), noise=noise, outputs=self.outputs, strength=self.strength,
            eightfold=best, along="" if still else along, mend=self.hot == "mend",
        )  # fmt: skip
        return MeanOfFrames(single=denoiser) if still else denoiser

    def _along(self, axes: str) -> str:
        """Return the axis of the neighbours; "" for none."""
        if self.neighbours == "none":
            return ""
        along = "T" if self.neighbours == MEAN else self.neighbours
        if along not in axes:
            raise QuietfieldError(
                f"Instant with neighbours along {AXIS_NAMES[along]} ({along}) needs an axis that the stack "
                "does not have. Choose other neighbours, or correct the axes of the stack."
            )
        return along
