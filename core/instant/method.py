"""Instant as a method on the list; the network is loaded when pixels are computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from core.errors import QuietfieldError
from core.instant.reach import MEAN, SPAN
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
    """Declare the parameter of methods that use the networks of Instant.

    Parameters
    ----------
    help : str
        What the best quality does.
    """
    choices = {"instant": "Instant", "best": "Best"}
    return param("instant", "Quality", choices=choices, help=help)


def neighbours(help: str, *, found: bool = False, mean: bool = False) -> str:
    """Declare the parameter of methods whose network may see planes or frames beside.

    Parameters
    ----------
    help : str
        What they do for the method.
    found : bool
        Whether they may be used as the stack suggests, which is then the default.
    mean : bool
        Whether the mean of frames may be denoised instead of each one.
    """
    kinds = {"none": "None", "Z": "Planes along Z", "T": "Frames along time"}
    if mean:
        kinds[MEAN] = "Mean of frames"
        help += (
            f" Mean of frames is for shots of a scene that stands still: each frame and up to {SPAN} on "
            "both sides are averaged before the network sees them. What moves is smeared, and changes of "
            "brightness are evened out."
        )
    return param(
        "auto" if found else "none", "Neighbours",
        choices={"auto": "As found", **kinds} if found else kinds,
        help=f"Let the network see the two planes or frames before and the two after each one. {help}",
    )  # fmt: skip


@named("instant", label="Instant", group="instant", version=5)
@dataclass(frozen=True, slots=True, kw_only=True)
class Instant(Method):
    """Denoise with a network that was trained on simulated microscopy and needs no training.

    The noise of the stack is measured (variance by intensity, correlation of neighbours), made
    uniform by a generalised Anscombe transform, removed by the network, and the transform undone.
    """

    citations: ClassVar[tuple[str, ...]] = (MAKITALO_2013,)
    possible: ClassVar[tuple[Output, ...]] = (RESULT, EXPECTED_ERROR)
    mix: ClassVar[str] = "strength"

    strength: float = param(
        1.0, "Strength", ge=0.0, le=1.0, step=0.05,
        help="1 gives the denoised image, 0 the raw one, anything between a mixture of both.",
    )  # fmt: skip
    quality: str = quality(
        "Best takes the mean of this network and a larger one, both seeing the image turned and mirrored in "
        "eight ways: better, and some forty times as slow."
    )
    neighbours: str = neighbours(
        "It was taught to use only what they share; compare with none where things move fast.", mean=True
    )
    uncertainty: bool = param(
        False, "Expected error",
        help="Also give an image of the error that the network expects of every pixel, in counts (standard "
        "deviation). It knows simulated images only.",
    )  # fmt: skip
    noise: str = param(
        "auto", "Noise of", advanced=True,
        choices={"auto": "Automatic", "stack": "The whole stack", "plane": "Every plane by itself"},
        help="Measure the noise once for each channel, or for every plane where contrast or exposure differ "
        "from plane to plane. Automatic compares some planes.",
    )  # fmt: skip

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Denoised image, and its expected error if that was asked for."""
        return self.possible if self.uncertainty else self.possible[:1]

    def check(self, axes: str) -> None:
        """Raise `QuietfieldError` if a stack with these axes lacks the neighbours to use."""
        self._along(axes)

    def bind(self, stack: Stack, context: Context) -> Operation:
        """Measure the noise of the stack, once, and take the networks."""
        from core.noise.survey import Survey

        context.step(0.0, "Measuring the noise")
        along, still = self._along(stack.axes), self.neighbours == MEAN
        noise = Survey.of(stack).noise(context)
        # frames of a scene that stands still have the same noise, whatever their brightness
        if still or self.noise != "auto":
            noise = replace(noise, each_plane=self.noise == "plane")

        from core.instant.denoiser import Denoiser  # torch may still be loading: the noise needs none of it
        from core.instant.still import Still
        from core.instant.weights import shipped

        best = self.quality == "best"
        denoiser = Denoiser(
            networks=shipped(self.quality), noise=noise, outputs=self.outputs, strength=self.strength,
            eightfold=best, along="" if still else along,
        )  # fmt: skip
        return Still(single=denoiser) if still else denoiser

    def _along(self, axes: str) -> str:
        """Axis along which neighbours lie; "" for none."""
        if self.neighbours == "none":
            return ""
        along = "T" if self.neighbours == MEAN else self.neighbours
        if along not in axes:
            raise QuietfieldError(
                f"Instant with neighbours along {AXIS_NAMES[along]} ({along}) needs an "
                "axis the stack does not have. Choose other neighbours, or change what its axes mean."
            )
        return along
