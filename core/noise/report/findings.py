"""Findings of the noise report: what each measured value means, and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.findings import Finding, Kind, Proposal, kinds
from core.findings import noise_kinds as words
from core.noise import between
from core.noise.noise_estimate import BLIND_SPOT_LIMIT, NoiseEstimate
from core.noise.report.camera import CameraNoise
from core.noise.report.course import Course
from core.noise.report.defects import Defects
from core.noise.report.entry import Entry
from core.noise.report.light import Light
from core.noise.report.pattern import LAGS, Pattern
from core.noise.report.values import Quantity
from core.noise.survey import Survey
from core.progress import Context
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

LITTLE = 0.25e6
"""Number of pixels below which a network trained on them alone learns little."""

NEGLIGIBLE = 0.05
"""Correlation below which a distance needs not be hidden."""

MOST_READ = 4e8
"""Number of pixels of stacks of which every frame is compared with the others."""

CALIBRATE = Proposal(label="Calibrate camera…", action="calibrate")


def problem(noise: NoiseEstimate) -> tuple[Entry, ...]:
    """Return why the noise estimate is not reliable, if it is not."""
    if noise.problem is None:
        return ()
    return (Entry(topic="estimate", title="Noise estimate", text="uncertain", finding=noise.problem),)


def camera(found: CameraNoise) -> tuple[Entry, ...]:
    """Return the lines about gain, offset and read noise."""
    gain, offset, read = found.gain, found.offset, found.read_noise
    if gain.value is None:
        lines = [_entry("gain", "Gain", "unknown", words.GAIN_UNKNOWN, proposal=CALIBRATE)]
    else:
        kind = words.GAIN_EXCESS if found.excess else words.GAIN if gain.known else words.GAIN_ROUGH
        lines = [
            _entry("gain", "Gain", in_words(gain), kind, gain, proposal=None if gain.known else CALIBRATE)
        ]
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
    text = f"{_plain(found.along_x[0])} in rows, {_plain(found.along_y[0])} in columns"
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
    text = f"{found.change:+.1%} overall, {found.flicker:.2%} per frame"
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
            details={"change": found.change},
        )
    lines = [Entry(topic="brightness", title="Brightness over time", text=text, finding=finding)]
    if found.drift > DRIFTS:
        finding = Finding(kind=words.DRIFT, value=found.drift, limit=DRIFTS, unit="px")
        lines.append(Entry(topic="drift", title="Drift", text=f"{found.drift:.1f} pixels", finding=finding))
    return tuple(lines)


def outlying(stack: Stack, context: Context) -> tuple[Entry, ...]:
    """Return the lines about frames and planes whose intensity is far from that of all others."""
    if math.prod(stack.shape) > MOST_READ:
        return ()
    lines = []
    for axis, things in (("T", "frames"), ("Z", "planes")):
        found = Survey.of(stack).outlying(axis, context) if stack.sizes.get(axis, 1) > 3 else ()
        if found:
            numbers = ", ".join(str(index + 1) for index in found)
            label = f"Leave out {numbers}" if len(found) < 4 else f"Leave out {len(found)} {things}"
            where = " ".join(map(str, found))
            proposal = Proposal(label=label, action="leave-out", params={"axis": axis, "indices": where})
            details: dict[str, str | int | float] = {"things": things, "numbers": numbers}
            finding = Finding(
                kind=words.FRAMES_FAR, value=float(len(found)), details=details, proposal=proposal
            )
            text = f"{things} {numbers}"
            lines.append(Entry(topic="outlying", title=f"Unusual {things}", text=text, finding=finding))
    return tuple(lines)


def scene(stack: Stack, survey: Survey) -> tuple[Entry, ...]:
    """Return the lines about motion, and about noise that neighbouring frames or planes share."""
    lines = []
    shared = {axis: survey.shared_noise(axis) for axis in "TZ" if stack.sizes.get(axis, 1) > 2}
    if stack.sizes.get("T", 1) > 1:
        if survey.stands_still():
            average = Proposal(label="Average frames", method="instant", params={"neighbours": "mean"})
            finding = Finding(kind=words.SCENE_STILL, value=float(stack.sizes["T"]), proposal=average)
            text = "static"
        elif shared.get("T", 0.0) > between.LIMIT:
            finding, text = Finding(kind=words.SCENE_UNKNOWN), "unknown"
        else:
            finding, text = Finding(kind=words.SCENE_CHANGES), "moves or changes"
        lines.append(Entry(topic="scene", title="Scene", text=text, finding=finding))
    for axis, value in shared.items():
        things = "frames" if axis == "T" else "planes"
        kind = words.FRAMES_SHARE if value > between.LIMIT else words.FRAMES_INDEPENDENT
        finding = Finding(
            kind=kind, value=value, limit=between.LIMIT, details={"axis": axis, "things": things}
        )
        title = f"Noise shared by {things}"
        lines.append(Entry(topic=f"shared-{axis.lower()}", title=title, text=f"{value:.2f}", finding=finding))
    return tuple(lines)


def data(stack: Stack) -> Entry:
    """Return the line about the amount of data."""
    count = math.prod(stack.shape) // stack.sizes.get("C", 1)
    planes = stack.planes // stack.sizes.get("C", 1)
    rows, columns = stack.shape[-2:]
    text = f"{planes} × {columns} × {rows} pixels"
    details: dict[str, str | int | float] = {"planes": planes, "things": "planes" if planes > 1 else "plane"}
    if count < LITTLE:
        proposal = Proposal(label="Choose Instant", method="instant")
        finding = Finding(
            kind=words.DATA_LITTLE, value=count / 1e6, limit=LITTLE / 1e6, details=details, proposal=proposal
        )
    else:
        finding = Finding(kind=words.DATA_ENOUGH, value=count / 1e6, limit=LITTLE / 1e6, details=details)
    return Entry(topic="data", title="Amount of data", text=text, finding=finding)


def advice(
    stack: Stack, pattern: Pattern, channels: Sequence[NoiseEstimate], about_scene: Sequence[Entry]
) -> Entry:
    """Return what to do with the stack: the first line of a report."""
    instant = Proposal(label="Choose Instant", method="instant")
    still = any(entry.finding.kind == words.SCENE_STILL for entry in about_scene)
    line, reach = hidden_line(pattern)
    if all(noise.absent for noise in channels):
        text, finding = "no denoising", Finding(kind=words.ADVICE_NOTHING)
    elif still:
        average = Proposal(label="Average frames", method="instant", params={"neighbours": "mean"})
        text, finding = "Instant, mean of frames", Finding(kind=words.ADVICE_AVERAGE, proposal=average)
    elif line == "both" and all(noise.reliable for noise in channels):
        text, finding = (
            "Instant",
            _instant("neighbouring pixels share noise, which it takes into account", instant),
        )
    elif line and all(noise.reliable for noise in channels):
        params: dict[str, str | int] = {"line": line, "reach": reach}
        lines = Proposal(label="Hide lines", method="structn2v", params=params)
        details: dict[str, str | int | float] = {
            "along": "rows" if line == "x" else "columns", "length": 2 * reach + 1,
        }  # fmt: skip
        text, finding = "structN2V", Finding(kind=words.ADVICE_LINES, details=details, proposal=lines)
    elif math.prod(stack.shape) // stack.sizes.get("C", 1) < LITTLE:
        text, finding = "Instant", _instant("there is too little data to train a network", instant)
    elif not all(noise.reliable for noise in channels):
        text, finding = "Instant", _instant("the noise is hard to separate from fine structure here", instant)
    else:
        train = Proposal(label="Choose Quietfield", method="quietfield")
        text, finding = "Quietfield", Finding(kind=words.ADVICE_TRAIN, proposal=train)
    return Entry(topic="advice", title="Recommended", text=text, finding=finding)


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
    return f"{quantity.low:.4g} to {quantity.high:.4g} {quantity.unit}"


def _instant(why: str, proposal: Proposal) -> Finding:
    return Finding(kind=words.ADVICE_INSTANT, details={"why": why}, proposal=proposal)


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


def _plain(value: float) -> str:
    """Return a number with two decimals, without a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _percent(share: float) -> str:
    return f"{share:.2%}" if share else "none"
