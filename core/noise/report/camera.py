"""Gain, offset and read noise with their intervals, and whether this stack can tell them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.noise.calibration import Calibration
from core.noise.noise_estimate import NoiseEstimate
from core.noise.report.curve import SIGMAS, Band
from core.noise.report.offset import Offset, from_frames, from_plane
from core.noise.report.samples import Samples, usable
from core.noise.report.values import Quantity

ENOUGH = 0.1
"""Half width of an interval, relative to the value, up to which a value is known."""

MOST = 0.8
"""Half width of the interval of the gain, relative to the gain, above which the gain is unknown."""

NEAR = 0.5
"""Half width of the interval of an offset, relative to the noise without light, up to which it is known."""

BIASED = 1.5
"""Factor of the interval of the gain for single planes, whose standard error does not include structure."""

CLIPPED = 1e-3
"""Fraction of pixels clipped to the smallest value above which the skewness of the noise is not used."""

CORRELATED = 0.12
"""Correlation of neighbouring pixels above which the skewness of the noise is not used."""

EXCESS = 1.25
"""Skewness relative to that of photons above which the gain includes excess noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraNoise:
    """Parameters of the noise of a camera.

    Attributes
    ----------
    gain, offset, read_noise : Quantity
        Counts per photon, counts without light, and standard deviation without light in counts.
    skewness : float
        Third cumulant of the noise relative to that of photons; 1 if it is not measured.
    """

    gain: Quantity
    offset: Quantity
    read_noise: Quantity
    skewness: float = 1.0

    @property
    def excess(self) -> bool:
        """Whether the gain includes excess noise."""
        return self.skewness > EXCESS

    def scaled(self, factor: float) -> CameraNoise:
        """Return the noise of pixels times a positive factor."""
        gain, offset, read = (one.scaled(factor) for one in (self.gain, self.offset, self.read_noise))
        return CameraNoise(gain=gain, offset=offset, read_noise=read, skewness=self.skewness)


def measure_camera(samples: Samples, noise: NoiseEstimate, band: Band) -> CameraNoise:
    """Return gain, offset and read noise of a channel.

    Physics limits the offset: it is at most the mean of the darkest parts, and at least the mean at which the
    variance of the line is 0. The skewness of the noise narrows this interval.

    Parameters
    ----------
    samples : Samples
        Pixels of the channel.
    noise : NoiseEstimate
        Noise of the channel.
    band : Band
        Uncertainty of the line of variance over mean.
    """
    model, unit = noise.model, "counts per photon"
    if not model.gain > 0 or not SIGMAS * noise.gain_error < MOST * model.gain:
        nothing = Quantity(unit="counts")
        deviation = noise.read_noise
        return CameraNoise(
            gain=Quantity(unit=unit), offset=nothing,
            read_noise=Quantity(low=0.0, high=deviation, unit="counts"),
        )  # fmt: skip
    # the error of a single plane does not include a bias by structure
    wider = BIASED if noise.method == "plane" else 1.0
    gain = _around(model.gain, wider * SIGMAS * noise.gain_error, unit)
    gain = _judged(gain, reliable=noise.reliable, near=0.0)
    found = _measure_offset(samples, noise)
    offset, skewness = _limit(found, noise, band)
    read_noise = _read_noise(offset, noise, band)
    if not noise.reliable:
        offset, read_noise = _doubtful(offset), _doubtful(read_noise)
    return CameraNoise(gain=gain, offset=offset, read_noise=read_noise, skewness=skewness)


def calibrated(measured: CameraNoise, camera: Calibration, unit: float) -> CameraNoise:
    """Return the noise of a calibrated camera, with what the calibration does not know as measured.

    Parameters
    ----------
    measured : CameraNoise
        Noise measured in the stack.
    camera : Calibration
        Calibration, in counts.
    unit : float
        Unit of `measured` per count.
    """

    def known(value: float | None, error: float | None, other: Quantity) -> Quantity:
        if value is None:
            return other
        width = SIGMAS * (error or 0.0)
        found = Quantity(value=value, low=value - width, high=value + width, unit=other.unit, known=True)
        return found.scaled(unit)

    return CameraNoise(
        gain=known(camera.gain, camera.gain_error, measured.gain),
        offset=known(camera.offset, camera.offset_error, measured.offset),
        read_noise=known(camera.read_noise, camera.read_noise_error, measured.read_noise),
        skewness=measured.skewness,
    )


def _measure_offset(samples: Samples, noise: NoiseEstimate) -> Offset | None:
    """Return the offset from the skewness of the noise, if the skewness is that of the recorded photons."""
    if noise.lowest > CLIPPED or max(abs(noise.correlation_x), abs(noise.correlation_y)) > CORRELATED:
        return None
    if samples.frames is not None:
        good = usable(samples.frames, noise)
        return from_frames(np.where(good, samples.frames, noise.mean), good, noise.model)
    found = []
    for plane in samples.planes:
        good = usable(plane[None], noise)
        one = from_plane(np.where(good, plane, noise.mean), good, noise.model)
        if one is not None:
            found.append(one)
    if not found:
        return None
    weight = np.array([1 / one.error**2 for one in found])
    value = float((weight * [one.value for one in found]).sum() / weight.sum())
    skewed = float((weight * [one.skewed for one in found]).sum() / weight.sum())
    return Offset(value=value, error=float(1 / np.sqrt(weight.sum())), skewed=skewed)


def _limit(found: Offset | None, noise: NoiseEstimate, band: Band) -> tuple[Quantity, float]:
    """Return the interval of the offset that physics and skewness allow, and the skewness."""
    model = noise.model
    zero = -model.constant / model.gain
    # the darkest block means contain noise; the line is uncertain far from its points
    lowest = zero - SIGMAS * float(band.error(zero)) / model.gain
    highest = noise.dark + 3 * noise.read_noise / 8
    skewness = 1.0
    value, low, high = 0.5 * (lowest + highest), lowest, highest
    if found is not None:
        # the cumulant is divided by the square of the gain, and is 0 at the offset
        distance = max(noise.dark - found.value, 0.0)
        wide = np.hypot(found.error, 2 * noise.gain_error / model.gain * distance)
        spread, above = SIGMAS * float(wide), found.skewed
        if found.skewed and model.gain * found.value + model.constant < model.gain**2:
            # read noise below a photon: the detector may multiply photons, which skews the noise more
            above = np.inf
        narrow = max(low, found.value - spread), min(high, found.value + spread + above)
        if narrow[0] < narrow[1]:
            (low, high), skewness = narrow, found.skewness
            value = min(max(found.value, low), high) if np.isfinite(above) else 0.5 * (low + high)
    quantity = Quantity(value=value, low=min(low, high), high=max(low, high), unit="counts")
    return _judged(quantity, reliable=True, near=NEAR * noise.read_noise), skewness


def _read_noise(offset: Quantity, noise: NoiseEstimate, band: Band) -> Quantity:
    """Return the read noise: the square root of the line at the offset."""
    if offset.value is None or offset.low is None or offset.high is None:
        return Quantity(unit="counts")
    model = noise.model
    ends = np.array([offset.low, offset.value, offset.high])
    wide = np.array([-1.0, 0.0, 1.0]) * SIGMAS * band.error(ends)
    squares = model.gain * ends + model.constant + wide
    low, value, high = (float(np.sqrt(max(square, 0.0))) for square in squares)
    quantity = Quantity(value=value, low=min(low, value), high=max(high, value), unit="counts")
    return _judged(quantity, reliable=True, near=0.0)


def _around(value: float, width: float, unit: str) -> Quantity:
    return Quantity(value=value, low=max(value - width, 0.0), high=value + width, unit=unit)


def _judged(quantity: Quantity, *, reliable: bool, near: float) -> Quantity:
    """Return a quantity that is known if its interval is narrow, relative to the value or in counts."""
    error, value = quantity.error, quantity.value
    known = reliable and error is not None and value is not None and error <= max(ENOUGH * abs(value), near)
    return Quantity(
        value=quantity.value, low=quantity.low, high=quantity.high, unit=quantity.unit, known=bool(known)
    )


def _doubtful(quantity: Quantity) -> Quantity:
    return _judged(quantity, reliable=False, near=0.0)
