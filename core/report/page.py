"""The page of a report: everything that its template shows, in words and pictures."""

from __future__ import annotations

import math
from typing import Any

from core import __version__
from core.noise.report import NoiseReport
from core.quality.fourier import RingCorrelation
from core.report import plots, repeating, shots, tables
from core.report.analysis import REPEATS, ChannelAnalysis, MethodAnalysis, decibel
from core.report.comparison import Comparison, noisy_psnr
from core.report.pictures import LIMIT
from core.report.words import (
    KOHO_2019,
    MARCOS_2022,
    NIEUWENHUIZEN_2013,
    References,
    methods_paragraph,
    part_in_words,
)
from core.work.methods_text import size_in_words
from resources import FOLDER

CURVES = 5
"""Maximum number of methods in the plot of frequencies; the noisy image is one more."""


def render(comparison: Comparison, channels: tuple[ChannelAnalysis, ...], noise: NoiseReport | None) -> str:
    """Return the page as HTML, which needs no other file and runs no script.

    Parameters
    ----------
    comparison : Comparison
        Finished comparison.
    channels : tuple of ChannelAnalysis
        Its results.
    noise : NoiseReport or None
        Noise of the stack, if it could be measured.
    """
    import jinja2  # imported on demand, for a fast start

    folder = FOLDER / "report"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    from markupsafe import Markup

    style = Markup((folder / "report.css").read_text(encoding="utf-8"))
    page = _page(comparison, channels, noise)
    return environment.get_template("report.html").render(page=page, style=style, version=__version__)


def _page(
    comparison: Comparison, channels: tuple[ChannelAnalysis, ...], noise: NoiseReport | None
) -> dict[str, Any]:
    references = References()
    paragraph = methods_paragraph(comparison, references)
    verdict = comparison.verdict
    raw = comparison.raw()
    noisy = raw["psnr"] if raw is not None else noisy_psnr(comparison.entries)
    estimated = "" if comparison.with_reference else "estimated "
    quantity = f"{estimated}PSNR (dB)"
    scores = [_scored(entry) for entry in verdict.ranking]
    of_frames = any(one.repeats is not None or one.uses_frames for c in channels for one in c.methods)
    noisy_words = f"{estimated}{noisy:.{2 if raw is not None else 1}f} dB" if math.isfinite(noisy) else ""
    shown = [_channel(comparison, one, noisy_words, references, len(channels) > 1) for one in channels]
    contents = [
        ("verdict", "Verdict"), ("images", "Images"), ("ranking", "Ranking"),
        *([("noise", "Noise")] if noise is not None else []),
        ("residuals", "What was removed"), ("frequencies", "Frequencies"),
        *([("repeats", "Repeated frames")] if of_frames else []),
        ("repeat", "Repeat it"), ("methods", "Methods text"),
    ]  # fmt: skip
    repeats_note = (
        f"The stack holds other frames of the same scene. Up to {REPEATS} of them give the error of a result "
        "without a model of the noise: its mean squared difference from a frame, minus the noise variance "
        f"between frames (uPSNR{references.cite(MARCOS_2022)}). The range is that of the estimated PSNR. "
        "Trained networks have seen these frames, which can make their error seem slightly smaller."
    ) if of_frames else ""  # fmt: skip
    heads, *rows = _table(comparison)
    return {
        "title": f"{comparison.stack.meta.name}: comparison of denoising methods",
        "name": comparison.stack.meta.name, "facts": _facts(comparison), "contents": contents,
        "verdict": verdict.text, "doubts": _doubts(comparison),
        "images_note": _images_note(comparison), "channels": shown,
        "ranking_note": _ranking_note(comparison),
        "ranking_plot": plots.ranking(scores, noisy, quantity) if scores else None,
        "time_plot": plots.against_time(scores, quantity) if scores else None,
        "headings": heads, "rows": rows, "notes": _notes(comparison),
        "failed": [(entry.label, entry.failure or "It has no estimate.") for entry in comparison.failed],
        "noise": _noise(noise) if noise is not None else [], "noise_note": _noise_note(noise),
        "residual_note": _residual_note(channels), "limit": f"{LIMIT:g}",
        "repeats": of_frames, "repeats_note": repeats_note,
        "command_note": _command_note(comparison),
        "command": repeating.compare_command(comparison), "recipes": repeating.repeats(comparison),
        "paragraph": paragraph, "papers": references.papers, "versions": repeating.versions(),
    }  # fmt: skip


_OTHER_PLANE = (
    "It compares all channels in the middle of the stack, and not the plane that was compared in the window."
)

_OTHER_SETTINGS = (
    "It trains every network with default parameters, and not with those that were chosen in the window."
)


def _command_note(comparison: Comparison) -> str:
    notes = ["" if comparison.usual_planes else _OTHER_PLANE]
    notes.append("" if repeating.usual_networks(comparison) else _OTHER_SETTINGS)
    return " ".join(note for note in notes if note)


_RESIDUALS = (
    "The residual is the noisy image minus the result. A method that removes only noise leaves a residual "
    "without visible structure, with mean 0 at every intensity, with the variance of the noise model (line), "
    "and with the autocorrelation of the noise. A method that removes less has a smaller variance, "
    "and structure that is fainter than noise can still be seen in its picture."
)


def _residual_note(channels: tuple[ChannelAnalysis, ...]) -> str:
    if all(channel.noise is None or channel.noise.reliable for channel in channels):
        return _RESIDUALS
    return f"{_RESIDUALS} The noise model is uncertain here, and so are these statements."


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    stack = comparison.stack
    reference = comparison.reference
    return [
        ("Stack", f"{stack.axes}, {size_in_words(stack)}"),
        ("Compared", part_in_words(comparison)),
        ("Reference", reference.meta.name if reference is not None else "none; errors are estimates"),
        *([("Given time", f"{comparison.seconds:g} s")] if comparison.seconds else []),
        ("Date", comparison.when.strftime("%Y-%m-%d %H:%M")),
    ]


def _doubts(comparison: Comparison) -> list[str]:
    """Return why estimates may be wrong, unless the verdict says it already."""
    texts = [finding.text for finding in comparison.doubts]
    for entry in comparison.verdict.ranking:
        found = entry.judged.findings if entry.judged is not None else ()
        texts += [f"{entry.label}: {finding.text}" for finding in found]
    return [text for text in dict.fromkeys(texts) if text not in comparison.verdict.text]


def _images_note(comparison: Comparison) -> str:
    what = "reference" if comparison.reference is not None else "best result"
    scaled = ", whose scale and offset were fitted to the noisy image" if comparison.affine else ""
    return (
        "The part of the image with most detail, with the same contrast in all pictures: black and white "
        f"are the 0.1 and 99.8 percentiles of the {what}{scaled}."
    )


def _ranking_note(comparison: Comparison) -> str:
    if comparison.with_reference:
        fit = " after a fit of scale and offset" if comparison.affine else ""
        return f"PSNR against the reference{fit}, averaged over the planes that were compared."
    if not comparison.verdict.ranking:
        return "No method has a result that can be judged."
    return (
        "Errors are estimated without a reference: from results on versions of the image with additional "
        "noise of its own kind. Bars are 95 % intervals. Errors that all methods share cancel in "
        "differences, so methods whose bars overlap may still differ with certainty; the verdict uses the "
        "differences."
    )


def _notes(comparison: Comparison) -> list[str]:
    notes = []
    if any(entry.judged is not None for entry in comparison.entries):
        other = ", so it differs from the PSNR against the reference" if comparison.with_reference else ""
        notes.append(
            f"The estimated PSNR refers to the range of the smoothed noisy image{other}. Remaining noise "
            "variance is the estimated mean squared error divided by the noise variance of the image: 100 % "
            "for the noisy image."
        )
    notes.append(
        "Seconds include training and the application to the part that was compared. Memory is the largest "
        "increase while the method ran; memory that was free before is not counted."
    )
    return notes


def _table(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return headings and rows with the places in the ranking."""
    heads, *rows = tables.rows(comparison.entries, comparison.verdict)
    named = ("Method", *(head[0].upper() + head[1:] for head in heads[1:]))
    return [("", *named), *((str(place), *row) for place, row in enumerate(rows, 1))]


def _scored(entry: Any) -> plots.Scored:
    if entry.measures is not None:
        psnr = low = high = entry.measures["psnr"]
    else:
        psnr, (low, high) = entry.judged.psnr, entry.judged.interval
    return plots.Scored(name=entry.label, psnr=psnr, low=low, high=high, seconds=entry.seconds)


def _channel(
    comparison: Comparison, channel: ChannelAnalysis, noisy: str, references: References, several: bool
) -> dict[str, Any]:
    sheet = shots.contact_sheet(comparison, channel, noisy)
    name = f"Channel {channel.index + 1}" + (f", {channel.name}" if channel.name else "")
    note, drawn = _frequencies(channel, references)
    return {
        "heading": name if several else "",
        "large": [shot for shot in sheet if shot.large], "shots": sheet,
        "residuals": shots.removed(channel),
        "no_residuals": "No residual is analysed: too few pixels were recorded, or no noise was found.",
        "frequency_note": note, "frequencies": drawn,
        "repeats": [_repeat(place, one, channel.span) for place, one in enumerate(channel.methods, 1)]
        if channel.repeats else [],
        "repeat_count": channel.repeats,
    }  # fmt: skip


def _repeat(place: int, one: MethodAnalysis, span: float) -> tuple[str, ...]:
    if one.repeats is None:
        why = "uses several frames" if one.uses_frames else "–"
        return str(place), one.entry.label, why, "–"
    mse, error = one.repeats
    psnr, low, high = (decibel(value, span) for value in (mse, mse + 2 * error, mse - 2 * error))
    ends = f"{low:.1f} to {high:.1f}" if math.isfinite(high) else f"at least {low:.1f}"
    return str(place), one.entry.label, f"{psnr:.1f}" if math.isfinite(psnr) else "–", ends


def _frequencies(channel: ChannelAnalysis, references: References) -> tuple[str, list[tuple[Any, ...]]]:
    """Return a note about frequencies, and plots with captions and legends."""
    drawn: list[tuple[Any, ...]] = []
    if channel.frequencies is None:
        note = channel.pair
    else:
        papers = (NIEUWENHUIZEN_2013, *((KOHO_2019,) if "halves" in channel.pair else ()))
        note = (
            f"Fourier ring correlation{references.cite(*papers)} of {channel.pair}: spatial frequencies at "
            f"which it is above 1/7 are more than noise. {_resolution(channel.frequencies, channel.unit)} "
            "This describes the noisy image, and is no resolution of a result."
        )
        if channel.noise is not None and not channel.noise.reliable and "halves" in channel.pair:
            note += " It is uncertain whether neighbouring pixels share their noise, which would raise it."
        curves = [("noisy image", channel.frequencies)]
        drawn.append((
            f"Correlation of {channel.pair}", plots.frequencies(curves, channel.unit, threshold=True), ""
        ))  # fmt: skip
    known = [
        (f"{place}. {one.entry.label}", one.frequencies)
        for place, one in enumerate(channel.methods[:CURVES], 1)
        if one.frequencies is not None
    ]
    if channel.raw_frequencies is not None:
        known = [("noisy image", channel.raw_frequencies), *known]
    if known:
        plot = plots.frequencies(known, channel.unit, threshold=False)
        drawn.append(("Correlation with the reference", plot, plots.legend([name for name, _ in known])))
    return note, drawn


def _resolution(found: RingCorrelation, unit: str) -> str:
    length = found.resolution
    if not math.isfinite(length):
        return "It is below 1/7 from the start."
    if length <= 1 / float(found.frequency[-1]) * (1 + 1e-9):
        return f"It stays above 1/7 up to the finest details of these images, {length:.3g} {unit}."
    return f"It falls below 1/7 at a length of {length:.3g} {unit}{'s' if unit == 'pixel' else ''}."


def _noise_note(noise: NoiseReport | None) -> str:
    if noise is None:
        return ""
    how = "consecutive frames of one scene" if noise.channels[0].method == "frames" else "single planes"
    camera = f" with the calibration of the camera {noise.camera}" if noise.camera else ""
    return f"Measured from {how}{camera}. Results that rely on the noise are as good as this measurement."


def _noise(noise: NoiseReport) -> list[dict[str, Any]]:
    several = len(noise.channels) > 1
    found: list[dict[str, Any]] = []
    if several:
        found.append({"heading": "Whole stack", "entries": noise.entries, "plots": []})
    for number, channel in enumerate(noise.channels):
        drawn: list[tuple[str, Any]] = []
        curve = plots.variance_curve(channel.curve)
        if curve is not None:
            drawn.append(("Noise variance over mean, fitted line and 95 % band", curve))
        drawn.append((
            "Correlation of the noise: ● along rows, ■ along columns", plots.correlation_lags(channel.pattern)
        ))  # fmt: skip
        what = plots.squares(channel.pattern.picture, "Correlation of the noise by distance", 20)
        drawn.append(("Correlation by distance, −4 to 4 pixels", what))
        if channel.course is not None:
            drawn.append(("Brightness of the frames", plots.brightness(channel.course)))
        name = f"Channel {number + 1}" + (f", {channel.name}" if channel.name else "")
        entries = channel.entries if several else noise.lines(number)
        found.append({"heading": name if several else "", "entries": entries, "plots": drawn})
    return found
