"""Findings of the noise report: what each measured value means, and what to do."""

from __future__ import annotations

import math

from core.findings import Finding, Kind, Proposal, kinds
from core.findings import noise_kinds as words
from core.noise.calibration import Calibration
from core.noise.noise_estimate import BLIND_SPOT_LIMIT, NoiseEstimate
from core.noise.report.camera import CameraNoise
from core.noise.report.course import Course
from core.noise.report.defects import Defects
from core.noise.report.entry import Entry
from core.noise.report.light import Light
from core.noise.report.pattern import LAGS, Pattern
from core.noise.report.values import Quantity
from core.stack import Stack

FEW = 3.0
"""Photons per pixel in bright parts below which fine structure is lost."""

SATURATED = 0.01
"""Fraction of saturated pixels above which they matter; Instant has the same limit."""

CLIPPED = 0.01
"""Fraction of pixels with the smallest value above which the dark end of the noise is cut off."""

STRIPED = 4.0
"""Variance of row offsets relative to what chance explains, above which there are stripes."""

CHANGED, FLICKERS, DRIFTS = 0.1, 0.02, 1.5
"""Relative change and fluctuation of the brightness, and drift in pixels, above which they matter."""

NEGLIGIBLE = 0.05
"""Correlation below which a distance needs not be hidden."""

MODEL = Proposal(label="Noise model…", action="noise-model")
CALIBRATE = Proposal(label="Calibrate camera…", action="calibrate")


def problem(noise: NoiseEstimate) -> tuple[Entry, ...]:
    """Return why the noise estimate is not reliable, if it is not."""
    if noise.problem is None:
        return ()
    return (Entry(topic="estimate", title="Noise estimate", text="uncertain", finding=noise.problem),)


def calibration(stack: Stack, measured: NoiseEstimate, used: Calibration | None) -> tuple[Entry, ...]:
    """Return the lines about the calibration that is used: it fits, or why it may not."""
    if used is None:
        return ()
    misfits = used.misfits(stack, measured)
    fits = Finding(kind=words.CALIBRATION_FITS, details={"camera": used.name})
    return tuple(
        Entry(topic="calibration", title="Camera", text=used.name, finding=finding)
        for finding in misfits or (fits,)
    )


def camera(found: CameraNoise) -> tuple[Entry, ...]:
    """Return the lines about gain, offset and read noise."""
    gain, offset, read = found.gain, found.offset, found.read_noise
    once = CALIBRATE if offset.known else None  # else the line of the offset proposes it
    if gain.value is None:
        lines = [_entry("gain", "Gain", "unknown", words.GAIN_UNKNOWN, proposal=once)]
    else:
        kind = words.GAIN_EXCESS if found.excess else words.GAIN if gain.known else words.GAIN_ROUGH
        proposal = MODEL if found.excess else None if gain.known else once
        lines = [_entry("gain", "Gain", in_words(gain), kind, gain, proposal=proposal)]
    if offset.value is None:
        lines.append(_entry("offset", "Offset", "unknown", words.OFFSET_UNLIMITED, proposal=CALIBRATE))
    else:
        kind = words.OFFSET if offset.known else words.OFFSET_UNKNOWN
        text = in_words(offset) if offset.known else _between(offset)
        proposal = None if offset.known else CALIBRATE
        lines.append(_entry("offset", "Offset", text, kind, offset, proposal=proposal))
    if read.high is not None:
        kind = words.READ_NOISE if read.known else words.READ_NOISE_UNKNOWN
        text = in_words(read) if read.known else f"at most {read.high:.3g} counts"
        lines.append(_entry("read-noise", "Read noise", text, kind, read))
    return tuple(lines)


def light(found: Light) -> Entry:
    """Return the line about photons per pixel."""
    dark, median, bright = found.dark.value, found.median.value, found.bright.value
    if dark is None or median is None or bright is None:
        return _entry("photons", "Photons per pixel", "unknown", words.PHOTONS_UNKNOWN)
    about = "" if found.median.known else "about "
    text = about + " / ".join(
        f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in (dark, median, bright)
    )
    if bright < FEW:
        finding = Finding(kind=words.PHOTONS_FEW, value=bright, limit=FEW, unit="photons")
    else:
        finding = Finding(kind=words.PHOTONS, value=median, unit="photons", details={"bright": bright})
    return Entry(topic="photons", title="Photons per pixel", text=text, finding=finding)


def clipping(found: Light) -> tuple[Entry, ...]:
    """Return the lines about clipped pixels."""
    share = found.saturated
    if share > SATURATED:
        finding = Finding(kind=kinds.PIXELS_SATURATED, value=share, limit=SATURATED)
    elif share > 0:
        finding = Finding(kind=words.SATURATION_FEW, value=share, limit=SATURATED)
    else:
        finding = Finding(kind=words.SATURATION_NONE, value=0.0, limit=SATURATED)
    lines = [Entry(topic="saturation", title="Saturation", text=_percent(share), finding=finding)]
    if found.clipped > CLIPPED:
        finding = Finding(kind=words.PIXELS_CLIPPED_LOW, value=found.clipped, limit=CLIPPED)
        lines.append(Entry(topic="clipping", title="Dark end", text=_percent(found.clipped), finding=finding))
    return tuple(lines)


def defects(found: Defects) -> Entry:
    """Return the line about hot and dead pixels."""
    if not found.count:
        finding = Finding(kind=words.DEFECTS_NONE, value=0.0)
        return Entry(topic="defects", title="Hot and dead pixels", text="none", finding=finding)
    mend = Proposal(label="Mend with Instant", method="instant", params={"hot": "mend"})
    details: dict[str, str | int | float] = {"hot": found.hot_count, "dead": found.dead_count}
    finding = Finding(kind=words.DEFECTS, value=float(found.count), details=details, proposal=mend)
    text = f"{found.hot_count} hot, {found.dead_count} dead"
    return Entry(topic="defects", title="Hot and dead pixels", text=text, finding=finding)


def correlation(found: Pattern, noise: NoiseEstimate) -> Entry:
    """Return the line about the correlation of neighbouring pixels."""
    about = "about " if found.below > NEGLIGIBLE else ""
    text = f"{about}{plain(found.along_x[0])} in rows, {plain(found.along_y[0])} in columns"
    finding = _correlation(found) if noise.reliable else Finding(kind=words.CORRELATION_DOUBTFUL)
    return Entry(topic="correlation", title="Correlation", text=text, finding=finding)


def hidden_line(found: Pattern) -> tuple[str, int]:
    """Return the axis along which noise is correlated ("x", "y", "both" or ""), and its reach in pixels."""
    far = {"x": found.along_x, "y": found.along_y}
    least = max(BLIND_SPOT_LIMIT, 0.5 * max(abs(values[0]) for values in far.values()))
    chosen = [axis for axis, values in far.items() if abs(values[0]) > least]
    if not chosen:
        return "", 0
    reach = max(
        (lag for axis in chosen for lag in range(1, LAGS + 1) if abs(far[axis][lag - 1]) > NEGLIGIBLE),
        default=1,
    )
    return ("both" if len(chosen) > 1 else chosen[0]), reach


def _correlation(found: Pattern) -> Finding:
    along_x, along_y = found.along_x[0], found.along_y[0]
    line, reach = hidden_line(found)
    largest = max(along_x, along_y, key=abs)
    details: dict[str, str | int | float] = {
        "along_x": round(along_x, 2) + 0.0,
        "along_y": round(along_y, 2) + 0.0,
    }
    least, most = abs(largest) - found.below, abs(largest) + found.above
    if least <= BLIND_SPOT_LIMIT < most:
        details |= {"least": max(round(least, 2), 0.0), "most": round(most, 2)}
        return Finding(
            kind=words.CORRELATION_UNDECIDED, value=largest, limit=BLIND_SPOT_LIMIT, details=details,
            proposal=Proposal(label="Choose Instant", method="instant"),
        )  # fmt: skip
    if not line:
        return Finding(kind=words.INDEPENDENT, value=largest, limit=BLIND_SPOT_LIMIT, details=details)
    if line == "both":
        proposal = Proposal(label="Choose Instant", method="instant")
        kind = words.CORRELATED_AREA
    else:
        details |= {"along": "rows" if line == "x" else "columns", "length": 2 * reach + 1}
        proposal = Proposal(label="Hide lines", method="structn2v", params={"line": line, "reach": reach})
        kind = words.CORRELATED_LINE
    return Finding(kind=kind, value=largest, limit=BLIND_SPOT_LIMIT, details=details, proposal=proposal)


def stripes(found: Pattern) -> Entry:
    """Return the line about row and column stripes."""
    text = f"rows {found.rows:.2f}, columns {found.columns:.2f}"
    striped = [
        (size, along)
        for along, size, excess in (
            ("rows", found.rows, found.row_excess), ("columns", found.columns, found.column_excess),
        )
        if excess > STRIPED
    ]  # fmt: skip
    if not striped:
        finding = Finding(kind=words.STRIPES_NONE, value=max(found.rows, found.columns))
    else:
        size, along = max(striped)
        finding = Finding(kind=words.STRIPES_FAINT, value=size, details={"along": along})
    return Entry(topic="stripes", title="Stripes", text=text, finding=finding)


def course(found: Course | None) -> tuple[Entry, ...]:
    """Return the lines about brightness and position over time."""
    if found is None:
        return ()
    text = f"{round(found.change, 3) + 0.0:+.1%} overall, {found.flicker:.2%} per frame"
    if found.unlike:
        finding = Finding(
            kind=words.FIELDS_DIFFER, value=float(len(found.matched)), limit=float(found.compared)
        )
        return (
            Entry(topic="brightness", title="Brightness over time", text="not compared", finding=finding),
        )
    if abs(found.change) > CHANGED:
        finding = Finding(kind=words.BLEACHING, value=found.change, limit=CHANGED)
    elif found.flicker > FLICKERS:
        finding = Finding(kind=words.FLICKER, value=found.flicker, limit=FLICKERS)
    else:
        finding = Finding(
            kind=words.BRIGHTNESS_STEADY,
            value=found.flicker,
            limit=FLICKERS,
            details={"change": round(found.change, 3) + 0.0},
        )
    lines = [Entry(topic="brightness", title="Brightness over time", text=text, finding=finding)]
    if found.drift > DRIFTS:
        finding = Finding(kind=words.DRIFT, value=found.drift, limit=DRIFTS, unit="px")
        lines.append(Entry(topic="drift", title="Drift", text=f"{found.drift:.1f} pixels", finding=finding))
    return tuple(lines)


def in_words(quantity: Quantity) -> str:
    """Return a value with half the width of its interval and its unit."""
    if quantity.value is None:
        return "unknown"
    error = quantity.error
    digits = _digits(quantity.value, error)
    value = f"{quantity.value:.{digits}f}"
    wide = f" ± {error:.{digits}f}" if error is not None else ""
    return f"{value}{wide} {quantity.unit}".strip()


def _digits(value: float, error: float | None) -> int:
    """Return the decimals of a value: two significant digits of its error, or three of itself."""
    size, digits = (error, 1) if error else (abs(value), 2)
    return min(max(digits - math.floor(math.log10(size)), 0), 12) if size > 0 and math.isfinite(size) else 0


def _between(quantity: Quantity) -> str:
    return f"{quantity.low:.3g} to {quantity.high:.3g} {quantity.unit}"


def _entry(
    topic: str,
    title: str,
    text: str,
    kind: Kind,
    quantity: Quantity | None = None,
    proposal: Proposal | None = None,
) -> Entry:
    if quantity is None:
        finding = Finding(kind=kind, proposal=proposal)
        return Entry(topic=topic, title=title, text=text, finding=finding)
    ends = {"low": quantity.low, "high": quantity.high}
    details: dict[str, str | int | float] = {name: end for name, end in ends.items() if end is not None}
    finding = Finding(kind=kind, value=quantity.value, unit=quantity.unit, details=details, proposal=proposal)
    return Entry(topic=topic, title=title, text=text, finding=finding)


def plain(value: float) -> str:
    """Return a number with two decimals, without a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _percent(share: float) -> str:
    return f"{share:.2%}" if share else "none"
