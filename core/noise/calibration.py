"""The calibration of a camera: gain, offset and read noise that were measured once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from core import stored
from core.errors import QuietfieldError
from core.findings import Finding, noise_kinds
from core.noise.models import PoissonGaussian
from core.noise.noise_estimate import NoiseEstimate
from core.stack import Stack

FORMAT = 1
"""Version of the JSON."""

UNLIKE = 1.6
"""Ratio of measured to calibrated noise variance, or its inverse, above which the camera is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Noise parameters of a camera in one mode.

    Attributes
    ----------
    name : str
        Name of the camera, and of its mode.
    gain, gain_error : float or None
        Counts per detected photon, and standard error; None if only dark frames were recorded.
    offset, offset_error : float or None
        Counts without light, and standard error; None if they could not be measured.
    read_noise, read_noise_error : float or None
        Standard deviation without light in counts, and standard error.
    pattern : float
        Standard deviation of the offsets of single pixels, in counts; 0 if unknown.
    shape : (int, int)
        Rows and columns of the recorded frames.
    dtype : str
        Type of their pixels.
    made_from : str
        What was recorded, in words.
    """

    name: str
    gain: float | None = None
    gain_error: float | None = None
    offset: float | None = None
    offset_error: float | None = None
    read_noise: float | None = None
    read_noise_error: float | None = None
    pattern: float = 0.0
    shape: tuple[int, int] = (0, 0)
    dtype: str = ""
    made_from: str = ""

    def applied(self, noise: NoiseEstimate) -> NoiseEstimate:
        """Return the noise of a stack of this camera.

        Parameters
        ----------
        noise : NoiseEstimate
            Measured noise of the stack. Its correlations and clipped pixels are kept, and all that the
            calibration does not know.
        """
        gain = self.gain if self.gain is not None else noise.model.gain
        error = self.gain_error if self.gain is not None and self.gain_error is not None else noise.gain_error
        if self.offset is None:
            shift = (gain - noise.model.gain) * noise.mean
            model = replace(noise.model, gain=gain, constant=noise.model.constant - shift)
            return replace(noise, model=model, gain_error=error)
        floor = noise.model.floor if self.read_noise is None else self.read_noise**2
        model = PoissonGaussian.camera(gain=gain, offset=self.offset, read_noise=math.sqrt(floor))
        wide = (
            2 * math.sqrt(floor) * (self.read_noise_error or 0.0), gain * (self.offset_error or 0.0),
            self.offset * error,
        )  # fmt: skip
        problem = None if self.gain is not None else noise.problem
        return replace(
            noise, model=model, gain_error=error, constant_error=math.hypot(*wide), problem=problem
        )

    def misfits(self, stack: Stack, measured: NoiseEstimate) -> tuple[Finding, ...]:
        """Return reasons why the calibration may not hold for a stack.

        Parameters
        ----------
        stack : Stack
            Stack.
        measured : NoiseEstimate
            Noise of the stack, measured without the calibration.
        """
        found = []
        if self.dtype and stack.dtype.name != self.dtype:
            details = {"camera": self.name, "known": self.dtype, "type": stack.dtype.name}
            found.append(Finding(kind=noise_kinds.CALIBRATION_TYPE, details=details))
        rows, columns = stack.shape[-2:]
        if self.shape != (0, 0) and self.shape != (rows, columns):
            sizes = {"camera": self.name, "known": _size(self.shape), "size": _size((rows, columns))}
            found.append(Finding(kind=noise_kinds.CALIBRATION_SIZE, details=sizes))
        calibrated = float(self.applied(measured).model.variance(measured.mean))
        ratio = float(measured.model.variance(measured.mean)) / calibrated if calibrated > 0 else math.inf
        if measured.reliable and not 1 / UNLIKE < ratio < UNLIKE:
            camera = {"camera": self.name}
            found.append(
                Finding(kind=noise_kinds.CALIBRATION_DIFFERS, value=ratio, limit=UNLIKE, details=camera)
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as a dictionary for JSON."""
        return {"format": FORMAT, **asdict(self), "shape": list(self.shape)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` wrote.

        Raises
        ------
        QuietfieldError
            If the dictionary does not describe a calibration.
        """
        try:
            if given["format"] != FORMAT:
                raise ValueError(f"format {given['format']}")
            signed = {name: _number(given, name) for name in ("gain", "offset")}
            positive = ("gain_error", "offset_error", "read_noise", "read_noise_error")
            numbers = signed | {name: _number(given, name, low=0.0) for name in positive}
            rows, columns = (stored.whole({"side": side}, "side") for side in given["shape"])
            words = {name: stored.text(given, name) for name in ("name", "dtype", "made_from")}
            pattern = _number(given, "pattern", low=0.0) or 0.0
            made = cls(pattern=pattern, shape=(rows, columns), **numbers, **words)  # type: ignore[arg-type]
            if made.gain is not None and not made.gain > 0:
                raise ValueError(f"gain {made.gain}")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise QuietfieldError(
                f"This is no calibration of a camera of this version ({error}). Calibrate the camera again."
            ) from error
        return made


def _number(given: Mapping[str, Any], name: str, low: float = -math.inf) -> float | None:
    return None if given[name] is None else stored.finite(given[name], name, low=low)


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[1]} x {shape[0]}"
