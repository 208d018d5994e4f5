"""What is known about a result without a reference: its residual, its repeats, and the resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.noise.estimate import estimate
from core.noise.survey import Survey
from core.progress import Context
from core.quality.fourier import INDEPENDENT, RingCorrelation, ring_correlation, split
from core.quality.frames import repeats_of
from core.quality.recorruption import blurred, read_plane
from core.quality.repeats import LEAST, Unreferenced, unbiased_mse
from core.quality.residual import Residual, analyse
from core.stack import Region, Stack, channel_of

REPEATS = 9
"""Maximum number of frames of one scene that are used as repeats."""

SMOOTH = 1.5
"""Standard deviation in pixels of the blur of the noisy image whose range is that of PSNR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Statistics of a result in a region of one plane.

    Attributes
    ----------
    residual : Residual or None
        What the method removed; None for the noisy image itself.
    ring : RingCorrelation
        Correlation of two noisy images by spatial frequency, in cycles per `unit`.
    from_frames : bool
        Whether these are neighbouring frames, instead of halves of one image.
    unit : str
        "µm" or "px".
    noise_along : tuple of float
        Correlation of the noise of neighbouring pixels along (Y, X).
    repeats : int
        Number of frames of the same scene that the result was compared with; 0 if there are too few.
    error : Unreferenced or None
        Mean squared error from the repeats.
    span : float
        Range of PSNR in counts.
    """

    residual: Residual | None
    ring: RingCorrelation
    from_frames: bool
    unit: str
    noise_along: tuple[float, float]
    repeats: int
    error: Unreferenced | None
    span: float

    @property
    def shares_noise(self) -> bool:
        """Whether the two images of the ring correlation may share noise, which raises it."""
        return not self.from_frames and max(map(abs, self.noise_along)) > INDEPENDENT

    @property
    def psnr(self) -> float:
        """PSNR in dB from the repeats (uPSNR): NaN without repeats, infinite if the error is not above 0."""
        if self.error is None:
            return math.nan
        return 10 * math.log10(self.span**2 / self.error.mse) if self.error.mse > 0 else math.inf


def examine(stack: Stack, result: Stack | None, region: Region, context: Context | None = None) -> Details:
    """Examine a result in a region of one plane.

    Parameters
    ----------
    stack : Stack
        Noisy stack.
    result : Stack or None
        Denoised stack of the same shape; None to examine the noisy stack alone.
    region : tuple of slice
        Region of one plane.
    context : Context, optional
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If the region is too small, or constant.
    """
    context = context or Context()
    survey = Survey.of(stack)
    noises = survey.noise(context)
    context.step(0.3, "Examining the residual")
    plane, recorded = read_plane(stack, region)
    noise = noises.channels[channel_of(region, stack.axes)]
    if noises.each_plane:
        noise = estimate(plane)
    residual, after = None, plane
    if result is not None:
        after = np.where(recorded, result.read(region).reshape(plane.shape), plane).astype(np.float64)
        residual = analyse(plane, after, noise)
    context.step(0.6, "Correlating frequencies")
    spacing = (stack.meta.spacing.get("Y", 0.0), stack.meta.spacing.get("X", 0.0))
    known = min(spacing) > 0
    step_y, step_x = spacing if known else (1.0, 1.0)
    others = repeats_of(stack, region, REPEATS - 1) if recorded.all() else []
    if others:
        ring = ring_correlation(plane, others[0], (step_y, step_x))
    else:
        ring = ring_correlation(*split(plane), (2 * step_y, 2 * step_x))
    error, number = None, 0
    if len(others) >= LEAST:
        context.step(0.8, "Comparing with the repeats")
        number = len(others)
        error = unbiased_mse(after, np.stack(others))
    reach = noise.autocorrelation.shape[0] // 2
    along = (
        float(noise.autocorrelation[reach + 1, reach]), float(noise.autocorrelation[reach, reach + 1])
    )  # fmt: skip
    return Details(
        residual=residual, ring=ring, from_frames=bool(others), unit="µm" if known else "px",
        noise_along=along, repeats=number, error=error, span=float(np.ptp(blurred(plane, SMOOTH))),
    )  # fmt: skip
