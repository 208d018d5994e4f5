"""The noise report of a stack: everything that is known of its noise, with what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

from core.errors import QuietfieldError
from core.findings import Finding
from core.noise.noise_estimate import NoiseEstimate
from core.noise.report import findings as say
from core.noise.report import whole
from core.noise.report.camera import CameraNoise, calibrated, measure_camera
from core.noise.report.course import Course, follow
from core.noise.report.curve import Curve, measure_curve
from core.noise.report.defects import Defects, find_defects
from core.noise.report.entry import Entry
from core.noise.report.light import Light, measure_light
from core.noise.report.pattern import Pattern, measure_pattern
from core.noise.report.samples import read_samples, scaled
from core.noise.report.values import from_json, to_json
from core.noise.survey import Survey
from core.noise.unit import unit_of
from core.progress import Context
from core.stack import Stack

FORMAT = 1
"""Version of the JSON of reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """Noise of one channel.

    Attributes
    ----------
    name : str
        Name of the channel; "" if the file gives none.
    method : str
        ``"frames"`` from frames of one scene, ``"plane"`` from single planes.
    reliable : bool
        Whether the noise could be separated from structure.
    camera : CameraNoise
        Gain, offset and read noise.
    curve : Curve
        Variance over mean.
    light : Light
        Photons per pixel, saturation.
    defects : Defects
        Hot and dead pixels.
    pattern : Pattern
        Correlation of the noise, and stripes.
    course : Course or None
        Brightness and position over time; None for fewer than three frames.
    entries : tuple of Entry
        A line for each topic, with its finding.
    """

    name: str
    method: str
    reliable: bool
    camera: CameraNoise
    curve: Curve
    light: Light
    defects: Defects
    pattern: Pattern
    course: Course | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseReport:
    """Noise of a stack.

    Attributes
    ----------
    name, axes, dtype : str
        Name, axes and type of the stack.
    shape : tuple of int
        Length of each axis.
    camera : str
        Name of the calibration that was used; "" for none.
    channels : tuple of ChannelReport
        One report for each channel; one if the stack has no channels.
    entries : tuple of Entry
        Lines about the whole stack: what to do, the scene, and the amount of data.
    """

    name: str
    axes: str
    dtype: str
    shape: tuple[int, ...]
    channels: tuple[ChannelReport, ...]
    entries: tuple[Entry, ...]
    camera: str = ""

    def lines(self, channel: int = 0) -> tuple[Entry, ...]:
        """Return all lines about a channel and about the whole stack; what to do comes first."""
        whole = self.entries
        return (*whole[:1], *self.channels[channel].entries, *whole[1:])

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of all lines."""
        inner = (entry.finding for channel in self.channels for entry in channel.entries)
        return (*(entry.finding for entry in self.entries), *inner)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dictionary for JSON."""
        return {"format": FORMAT, **to_json(self)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> NoiseReport:
        """Return the report that `to_dict` wrote.

        Raises
        ------
        QuietfieldError
            If the dictionary does not describe a report.
        """
        try:
            report: NoiseReport = from_json(cls, given)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise QuietfieldError(
                "This is no noise report of this version of Quietfield. Write it again with "
                f"'quietfield noise STACK --json' ({error})."
            ) from error
        return report


class _Known:
    """The report of a stack, made once."""

    __slots__ = ("lock", "report")

    def __init__(self) -> None:
        self.lock = RLock()
        self.report: NoiseReport | None = None


def report_noise(stack: Stack, context: Context | None = None) -> NoiseReport:
    """Return the noise report of a stack; it is made once.

    Parameters
    ----------
    stack : Stack
        Stack; only parts of it are read.
    context : Context, optional
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If the planes are too small, or their intensities too large.
    Cancelled
        If the context is cancelled.
    """
    known = stack.attached(_Known, _Known)
    with known.lock:
        if known.report is None:
            known.report = _make(stack, context or Context())
        return replace(known.report, name=stack.meta.name)


def known_report(stack: Stack) -> NoiseReport | None:
    """Return the noise report of a stack if it was made already."""
    report: NoiseReport | None = stack.attached(_Known, _Known).report
    return report


def _make(stack: Stack, context: Context) -> NoiseReport:
    survey = Survey.of(stack)
    camera = survey.camera
    context.step(0.0, "Measuring the noise")
    noise = survey.noise(context)
    outlying = whole.outlying(stack, context.part(0.3, 0.4))
    found = []
    for channel, estimate in enumerate(noise.channels):
        start = 0.4 + 0.5 * channel / len(noise.channels)
        part = context.part(start, start + 0.5 / len(noise.channels))
        measured = survey.measured(context).channels[channel]
        found.append(_channel(stack, channel, estimate, measured, part))
    context.step(0.92, "Comparing the frames")
    scene = whole.scene(stack, survey)
    entries = (
        whole.advice(stack, [one.pattern for one in found], noise.channels, scene),
        *scene,
        *outlying,
        *whole.kind(stack),
        whole.data(stack),
    )
    return NoiseReport(
        name=stack.meta.name, axes=stack.axes, dtype=stack.dtype.name, shape=stack.shape,
        channels=tuple(found), entries=entries, camera=camera.name if camera is not None else "",
    )  # fmt: skip


def _channel(
    stack: Stack, channel: int, noise: NoiseEstimate, measured: NoiseEstimate, context: Context
) -> ChannelReport:
    context.step(0.0, "Reading planes")
    # in a unit near the pixels, squares of very large or small counts stay in range; a power of two is exact
    unit = unit_of([noise.mean, noise.dark, noise.read_noise])
    samples, relative = scaled(read_samples(stack, channel, noise), 1 / unit), noise.scaled(1 / unit)
    context.step(0.2, "Measuring gain, offset and read noise")
    curve, band = measure_curve(samples, relative)
    camera = measure_camera(samples, relative, band)
    calibration = Survey.of(stack).camera
    if calibration is not None:
        camera = calibrated(camera, calibration, 1 / unit)
    light = measure_light(samples, relative, camera)
    camera = camera.scaled(unit)
    context.step(0.4, "Looking for hot and dead pixels")
    defects = find_defects(samples, relative)
    context.step(0.5, "Measuring correlations")
    pattern = measure_pattern(samples, relative)
    low = camera.offset.value if camera.offset.value is not None else noise.dark
    course = follow(stack, channel, low, context.part(0.6, 1.0))
    entries = (
        *say.problem(noise), *say.calibration(stack, measured, calibration), *say.camera(camera),
        say.light(light), *say.clipping(light),
        say.defects(defects), say.correlation(pattern, noise), say.stripes(pattern), *say.course(course),
    )  # fmt: skip
    names = stack.meta.channel_names
    return ChannelReport(
        name=names[channel] if channel < len(names) else "", method=noise.method, reliable=noise.reliable,
        camera=camera, curve=curve.scaled(unit), light=light, defects=defects, pattern=pattern, course=course,
        entries=entries,
    )  # fmt: skip
