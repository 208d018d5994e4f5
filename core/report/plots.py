"""The plots of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from core.noise.report.course import Course
from core.noise.report.curve import Curve
from core.noise.report.pattern import LAGS, Pattern
from core.quality.fourier import THRESHOLD, RingCorrelation
from core.quality.residual import Residual
from core.report.plot import COLOURS, DASHES, LEFT, RIGHT, Plot, svg, tag
from core.report.scales import Scale

SMALL = (300, 180)
"""Width and height of the plots of one method."""

NAMES, ROW = 230, 26
"""Width of the names beside a plot, and height of a row."""

LONGEST = 34
"""Maximum number of characters of a name beside a plot."""

STEADY = 0.02
"""Minimum half height of the brightness plot, relative to the brightness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A method in a plot: its name, PSNR and its 95 % interval in dB, and time in seconds.

    The PSNR and the upper end may be infinite; without an interval, both ends equal the PSNR.
    """

    name: str
    psnr: float
    low: float
    high: float
    seconds: float


def ranking(scores: Sequence[Scored], noisy: float, quantity: str) -> Markup:
    """Return the PSNR of all methods as points with intervals, and that of the noisy image as a line."""
    width, height = 760.0, ROW * len(scores) + 64.0
    values = [value for score in scores for value in (score.psnr, score.low, score.high)]
    x = Scale.of([*values, noisy], NAMES, width - 60)
    base = height - 40
    marks = []
    for value, text in x.ticks(8):
        at = x.at(value)
        marks.append(tag("line", x1=at, x2=at, y1=8, y2=base, class_="grid"))
        marks.append(tag("text", text, x=at, y=base + 16, class_="tick", text_anchor="middle"))
    label_at = {"x": (x.start + x.end) / 2, "y": base + 33}
    marks.append(tag("text", quantity, class_="label", text_anchor="middle", **label_at))
    if math.isfinite(noisy):
        at = x.at(noisy)
        marks.append(tag("line", x1=at, x2=at, y1=8, y2=base, class_="thin muted", stroke_dasharray="4 3"))
        marks.append(tag("text", "noisy image", x=at + 5, y=base - 5, class_="tick"))
    for place, score in enumerate(scores, 1):
        marks += _row(score, place, x)
    return svg(width, height, f"{quantity} of {len(scores)} methods, best first", marks)


def _row(score: Scored, place: int, x: Scale) -> list[str]:
    y = 8 + ROW * (place - 0.5)
    known = math.isfinite(score.psnr)
    interval = f", {score.low:.2f} to {score.high:.2f} dB" if score.low != score.high else ""
    hint = f"{place}. {score.name}: {f'{score.psnr:.2f} dB' if known else 'too small to tell'}{interval}"
    short = score.name if len(score.name) <= LONGEST else f"{score.name[: LONGEST - 1]}…"
    marks = [tag("text", f"{place}  {short}", hint, x=NAMES - 12, y=y + 4, class_="name", text_anchor="end")]
    if score.low != score.high:
        low, high = x.at(score.low), x.at(score.high)
        marks.append(tag("line", x1=low, x2=high, y1=y, y2=y, class_="bar one"))
        if math.isinf(score.high):  # the error may be as small as one likes
            head = f"{high - 6:.1f},{y - 4:.1f} {high + 2:.1f},{y:.1f} {high - 6:.1f},{y + 4:.1f}"
            marks.append(tag("polygon", points=head, class_="fill one"))
    if known:
        marks.append(tag("circle", "", hint, cx=x.at(score.psnr), cy=y, r=4.5, class_="fill one"))
        right = max(x.at(score.psnr) + 8, x.at(score.high) + 8 if score.low != score.high else 0.0)
        marks.append(tag("text", f"{score.psnr:.2f}", x=right, y=y + 4, class_="tick"))
    return marks


def against_time(scores: Sequence[Scored], quantity: str) -> Markup:
    """Return the PSNR of all methods over their time; numbers are places in the ranking."""
    known = [(place, score) for place, score in enumerate(scores, 1) if math.isfinite(score.psnr)]
    times = [max(score.seconds, 1e-3) for _, score in known]
    plot = Plot.of(times, [score.psnr for _, score in known], width=520, height=290, log=True, margin=0.08)
    spots = [(plot.x.at(time), plot.y.at(score.psnr)) for time, (_, score) in zip(times, known, strict=True)]
    taken = list(spots)
    for (across, down), (place, score) in zip(spots, known, strict=True):
        hint = f"{place}. {score.name}: {score.psnr:.2f} dB in {score.seconds:.2g} s"
        plot.add(tag("circle", "", hint, cx=across, cy=down, r=4, class_="fill one"))
        x, y = _free(across, down, taken, plot)
        taken.append((x, y))
        plot.add(tag("text", str(place), hint, x=x, y=y + 4, class_="name", text_anchor="middle"))
    return plot.render(f"{quantity} over time", "time (s), training included", quantity)


def _free(x: float, y: float, taken: Sequence[tuple[float, float]], plot: Plot) -> tuple[float, float]:
    """Return the place near a point that is farthest from all others, the nearest free one first."""
    inside = []
    for far in (13, 22):
        for turn in range(8):
            angle = -math.pi / 2 + turn * math.pi / 4
            spot = (x + far * math.cos(angle), y + far * math.sin(angle))
            if LEFT + 6 < spot[0] < plot.width - RIGHT and 10 < spot[1] < plot.y.start - 4:
                room = min(math.dist(spot, other) for other in taken)
                if room > 11.5:
                    return spot
                inside.append((room, spot))
    return max(inside)[1] if inside else (x, y - 13)


def variance_curve(curve: Curve) -> Markup | None:
    """Return the variance of the noise over the mean, with the fitted line and its 95 % band."""
    if not curve.means:
        return None
    means, variances = curve.means, curve.variances
    lows = [value - error for value, error in zip(variances, curve.errors, strict=True)]
    highs = [value + error for value, error in zip(variances, curve.errors, strict=True)]
    line = [curve.slope * mean + curve.constant for mean in means]
    plot = Plot.of(means, [*line, *lows, *highs, 0.0], width=420, height=260)
    plot.band(means, curve.low, curve.high, "two")
    plot.line(means, line, "two")
    plot.errors(means, lows, highs, "one")
    plot.points(means, variances, "one")
    title = f"Noise variance over mean intensity: {len(means)} points and a line of slope {curve.slope:.3g}"
    return plot.render(title, "mean (counts)", "variance (counts²)")


def correlation_lags(pattern: Pattern) -> Markup:
    """Return the correlation of the noise by distance, along rows and along columns."""
    lags = list(range(LAGS + 1))
    across, down = [1.0, *pattern.along_x], [1.0, *pattern.along_y]
    plot = Plot.of(lags, [*across, *down, -0.1], width=300, height=230)
    plot.level(0.0)
    plot.line(lags, across, "one")
    plot.points(lags, across, "one")
    plot.line(lags, down, "two", DASHES[1])
    plot.points(lags, down, "two", square=True)
    title = (
        f"Correlation of the noise of neighbouring pixels: {across[1]:.2f} along rows, "
        f"{down[1]:.2f} along columns"
    )
    return plot.render(title, "distance (pixels)", "correlation")


def brightness(course: Course) -> Markup:
    """Return the mean intensity of the frames over time."""
    level = course.brightness
    middle = (max(level) + min(level)) / 2
    half = STEADY * abs(middle)
    frames = [index + 1.0 for index in course.frames]
    plot = Plot.of(frames, [*level, middle - half, middle + half], width=420, height=200)
    plot.line(frames, level, "one")
    return plot.render(f"Mean intensity of {len(frames)} frames", "frame", "mean (counts)", 4)


def squares(picture: Sequence[Sequence[float]] | NDArray[np.float64], what: str, side: float = 16) -> Markup:
    """Return a correlation by distance along X and Y as squares, with their values as tooltips."""
    values = np.asarray(picture, np.float64)
    rows, columns = values.shape
    marks = []
    for (y, x), value in np.ndenumerate(values):
        hint = f"{x - columns // 2:+d}, {y - rows // 2:+d}: {value:.2f}"
        colour = "one" if value >= 0 else "two"
        opacity = f"{min(abs(float(value)), 1.0) ** 0.7:.2f}"
        box = {"x": x * side + 0.5, "y": y * side + 0.5, "width": side - 1, "height": side - 1}
        marks.append(tag("rect", class_="cell", **box))
        marks.append(tag("rect", "", hint, class_=f"fill {colour}", fill_opacity=opacity, **box))
    across, down = values[rows // 2, columns // 2 + 1], values[rows // 2 + 1, columns // 2]
    title = f"{what}: {across:.2f} for neighbours in a row, {down:.2f} in a column"
    return svg(columns * side, rows * side, title, marks)


def bias(residual: Residual) -> Markup:
    """Return the mean of a residual by intensity, with 95 % intervals."""
    xs, ys = residual.intensity.tolist(), residual.mean.tolist()
    errors = (2 * residual.mean_error).tolist()
    lows = [y - error for y, error in zip(ys, errors, strict=True)]
    highs = [y + error for y, error in zip(ys, errors, strict=True)]
    plot = Plot.of(xs, [*lows, *highs, 0.0], width=SMALL[0], height=SMALL[1])
    plot.level(0.0)
    plot.errors(xs, lows, highs, "one")
    plot.points(xs, ys, "one")
    return plot.render("Mean of the residual by intensity", "intensity (counts)", "mean (counts)", 4)


def removed_variance(residual: Residual) -> Markup:
    """Return the variance of a residual by intensity, and that of the noise model as a line."""
    xs, ys, line = residual.intensity.tolist(), residual.variance.tolist(), residual.expected.tolist()
    plot = Plot.of(xs, [*ys, *line, 0.0], width=SMALL[0], height=SMALL[1])
    plot.line(xs, line, "two")
    plot.points(xs, ys, "one")
    title = "Variance of the residual by intensity, beside that of the noise model"
    return plot.render(title, "intensity (counts)", "variance (counts²)", 4)


def frequencies(curves: Sequence[tuple[str, RingCorrelation]], unit: str, *, threshold: bool) -> Markup:
    """Return correlations by spatial frequency, up to six of them."""
    shown = curves[: len(COLOURS)]
    xs = [float(end) for _, one in shown for end in (one.frequency[0], one.frequency[-1])]
    plot = Plot.of([0.0, *xs], [0.0, 1.0, -0.05], width=560, height=280, margin=0.02)
    plot.level(0.0)
    if threshold:
        plot.level(THRESHOLD)
        # curves begin near 1, so the left is free
        words = {"x": plot.x.start + 4, "y": plot.y.at(THRESHOLD) - 5}
        plot.add(tag("text", "threshold 1/7", class_="tick", **words))
    for (name, one), colour, dash in zip(shown, COLOURS, DASHES, strict=False):
        low = np.maximum(one.correlation, -0.05)
        plot.line(one.frequency.tolist(), low.tolist(), colour, dash, name)
    title = f"Correlation by spatial frequency: {', '.join(name for name, _ in shown)}"
    return plot.render(title, f"spatial frequency (1/{unit})", "correlation")


def legend(names: Sequence[str]) -> Markup:
    """Return the legend of `frequencies`: a piece of each line, and its name."""
    parts = []
    for name, colour, dash in zip(names, COLOURS, DASHES, strict=False):
        dashed = {"stroke_dasharray": dash} if dash else {}
        mark = tag("line", x1=0, x2=34, y1=6, y2=6, class_=f"line {colour}", **dashed)
        parts.append(
            f'<li><svg viewBox="0 0 34 12" width="34" height="12" aria-hidden="true">{mark}</svg> '
            f"{Markup.escape(name)}</li>"
        )
    return Markup(f'<ul class="legend">{"".join(parts)}</ul>')
