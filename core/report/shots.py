"""Pictures of a report with their captions: the contact sheet, and what each method removed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from markupsafe import Markup

from core.quality.residual import Residual
from core.report import pictures, plots
from core.report.analysis import ChannelAnalysis, MethodAnalysis
from core.report.comparison import Comparison
from core.work.contest import Entry

BEYOND, CHANCE = 3.0, 0.0027
"""Structure in standard deviations of the noise, and the fraction of noise beyond it."""

MOST = 0.01
"""Fraction of structure beyond it from which on a residual holds more than noise."""

BIASED = 0.05
"""Mean of a residual, in noise standard deviations, from which on it is a bias."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture with its caption: a data URI, its size in pixels, and what it shows."""

    uri: str
    width: int
    height: int
    alt: str
    title: str
    lines: tuple[str, ...] = ()
    best: bool = False
    large: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What one method removed: a picture of its structure, plots, and a sentence."""

    title: str
    light: Literal["good", "caution"]
    sentence: str
    uri: str
    width: int
    height: int
    alt: str
    squares: Markup
    bias: Markup
    variance: Markup


def contact_sheet(comparison: Comparison, channel: ChannelAnalysis, noisy: str) -> tuple[Shot, ...]:
    """Return the noisy image, the reference if there is one, and all results, best first.

    All have the same contrast: black and white are percentiles of the reference, or of the best result.

    Parameters
    ----------
    comparison : Comparison
        Finished comparison.
    channel : ChannelAnalysis
        Images of one channel.
    noisy : str
        PSNR of the noisy image in words; "" if it is unknown.
    """
    best = channel.clean if channel.clean is not None else None
    if best is None:
        best = channel.methods[0].image if channel.methods else channel.raw
    window = pictures.detailed_window(best)
    limits = pictures.contrast(best[window])

    def shot(image: pictures.Plane, title: str, lines: Sequence[str]) -> Shot:
        rows, columns = image[window].shape
        uri = pictures.grey(image[window], limits)
        words = " ".join((f"{title}.", *(f"{line}." for line in lines)))
        return Shot(uri=uri, width=columns, height=rows, alt=words, title=title, lines=tuple(lines))

    found = [replace(shot(channel.raw, "Noisy image", [noisy] if noisy else []), large=True)]
    if channel.clean is not None and comparison.reference is not None:
        found.append(replace(shot(channel.clean, "Reference", [comparison.reference.meta.name]), large=True))
    for place, one in enumerate(channel.methods, 1):
        lines = (psnr_in_words(one.entry), cost_in_words(one.entry))
        made = shot(one.image, f"{place}. {one.entry.label}", [line for line in lines if line])
        found.append(replace(made, best=place == 1, large=place == 1))
    return tuple(found)


def psnr_in_words(entry: Entry) -> str:
    """Return the PSNR of a method against the reference, or else its estimate with the 95 % interval."""
    if entry.measures is not None:
        return f"{entry.measures['psnr']:.2f} dB"
    judged = entry.judged
    if judged is None:
        return ""
    low, high = judged.interval
    if not math.isfinite(low):
        return "estimated PSNR unknown"
    ends = f"{low:.1f} to {high:.1f}" if math.isfinite(high) else f"at least {low:.1f}"
    middle = f"{judged.psnr:.1f} dB ({ends})" if math.isfinite(judged.psnr) else f"{ends} dB"
    return f"estimated {middle}"


def cost_in_words(entry: Entry) -> str:
    """Return the time of a method, and its memory if it is known."""
    memory = f", {entry.memory / 1e6:.0f} MB" if entry.memory >= 5e5 else ""
    return f"{_seconds(entry.seconds)}{memory}"


def _seconds(seconds: float) -> str:
    """Return a time with two significant digits."""
    if seconds < 0.01:
        return "below 0.01 s"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def removed(channel: ChannelAnalysis) -> tuple[Removed, ...]:
    """Return what each method removed, best first; the pictures show the same part as the contact sheet."""
    best = channel.clean if channel.clean is not None else None
    if best is None:
        best = channel.methods[0].image if channel.methods else channel.raw
    window = pictures.detailed_window(best)
    return tuple(
        _removed(place, one, one.residual, window)
        for place, one in enumerate(channel.methods, 1)
        if one.residual is not None
    )


def _removed(place: int, one: MethodAnalysis, found: Residual, window: pictures.Window) -> Removed:
    inner = found.structure[window]
    rows, columns = inner.shape
    light, sentence = judged_residual(found)
    title = f"{place}. {one.entry.label}"
    return Removed(
        title=title, light=light, sentence=sentence,
        uri=pictures.signed(inner), width=columns, height=rows,
        alt=f"Structure in the residual of {one.entry.label}. {sentence}",
        squares=plots.squares(found.autocorrelation, "Autocorrelation of the residual"),
        bias=plots.bias(found), variance=plots.removed_variance(found),
    )  # fmt: skip


def judged_residual(found: Residual) -> tuple[Literal["good", "caution"], str]:
    """Return whether only noise was removed, and why."""
    part = float(found.variance.sum() / max(float(found.expected.sum()), 1e-300))
    beyond = float((np.abs(found.structure) > BEYOND).mean())
    words = [
        f"The variance of the residual is {part:.0%} of that of the noise model. {beyond:.1%} of the picture "
        f"is beyond {BEYOND:g} standard deviations, where chance explains {CHANCE:.1%}"
    ]
    clean = found.only_noise and beyond <= MOST
    words[0] += "." if clean else ": structure was removed too, or the noise model does not fit here."
    mean, deviation = float(found.mean.mean()), math.sqrt(max(float(found.expected.mean()), 1e-300))
    error = float(np.sqrt(np.square(found.mean_error).sum())) / len(found.mean)
    biased = abs(mean) > max(3 * error, BIASED * deviation)
    if biased:
        side = "darker" if mean > 0 else "brighter"
        words.append(
            f"The result is {abs(mean):.3g} counts {side} than the image on average, which is "
            f"{abs(mean) / deviation:.0%} of the noise standard deviation."
        )
    return ("good" if clean and not biased else "caution"), " ".join(words)
