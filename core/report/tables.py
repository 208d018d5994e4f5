"""The table of a comparison for CSV and terminals, and all of its figures for JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from core.quality.judgement import Judgement
from core.report.comparison import Comparison
from core.work.contest import Entry
from core.work.recipe import Step
from core.work.verdict import Verdict

METRICS = (("psnr", ".2f"), ("si_psnr", ".2f"), ("ssim", ".4f"), ("microssim", ".4f"))
"""Columns with a reference: name of the metric, and format of its values."""

HEADINGS = {"psnr": "PSNR [dB]", "si_psnr": "SI-PSNR [dB]", "ssim": "SSIM", "microssim": "MicroSSIM"}


def rows(entries: Sequence[Entry], verdict: Verdict) -> list[tuple[str, ...]]:
    """Return the heading and a row for each method, best first; estimates are called so."""
    reference = any(entry.measures is not None for entry in entries)
    heads = tuple(HEADINGS[name] for name, _ in METRICS) if reference else ()
    found = [("method", *heads, "estimated PSNR [dB]", "remaining noise variance", "seconds", "memory [MB]")]
    for entry in verdict.ranking:
        true = metrics_in_words(entry) if reference else ()
        memory = f"{entry.memory / 1e6:.0f}" if entry.memory else "-"
        found.append((entry.label, *true, *estimate_in_words(entry.judged), f"{entry.seconds:.2f}", memory))
    return found


def metrics_in_words(entry: Entry) -> tuple[str, ...]:
    """Return the values of `METRICS`."""
    measures = entry.measures
    return tuple("-" if measures is None else format(measures[name], form) for name, form in METRICS)


def estimate_in_words(judged: Judgement | None) -> tuple[str, str]:
    """Return the estimated PSNR with its 95 % interval, and the remaining noise variance."""
    if judged is None:
        return "-", "-"
    low, high = (f"{value:.1f}" if math.isfinite(value) else "?" for value in judged.interval)
    share, error = 100 * judged.share, 200 * judged.share_error
    middle = f"{judged.psnr:.1f} " if math.isfinite(judged.psnr) else ""
    return f"{middle}({low} to {high})", f"{share:.1f} ± {error:.1f} %"


def as_csv(comparison: Comparison) -> str:
    """Return the table as CSV, failed methods included."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    table = rows(comparison.entries, comparison.verdict)
    writer.writerow((*table[0], "failure"))
    writer.writerows((*row, "") for row in table[1:])
    for entry in comparison.failed:
        writer.writerow((entry.label, *[""] * (len(table[0]) - 1), entry.failure))
    return text.getvalue()


def facts(comparison: Comparison) -> dict[str, Any]:
    """Return everything that was found, for JSON; null stands for numbers that are not finite."""
    verdict = comparison.verdict
    entries = (*verdict.ranking, *comparison.failed)
    reference = comparison.reference
    return {
        "stack": comparison.source.name, "reference": reference.meta.name if reference is not None else None,
        "affine": comparison.affine, "tuned": comparison.tuned, "seed": comparison.seed,
        "seconds": comparison.seconds, "when": comparison.when.isoformat(timespec="seconds"),
        "axes": comparison.stack.axes, "region": [[part.start, part.stop] for part in comparison.region],
        "verdict": verdict.text, "certain": verdict.certain, "possible_loss": verdict.possible_loss,
        "findings": [finding.to_dict() for finding in comparison.doubts],
        "methods": [
            _entry(entry, place if place <= len(verdict.ranking) else None)
            for place, entry in enumerate(entries, 1)
        ],
    }  # fmt: skip


def _entry(entry: Entry, place: int | None) -> dict[str, Any]:
    judged = entry.judged
    return {
        "place": place, "label": entry.label, "step": Step.of(entry.method).to_dict(),
        "seconds": entry.seconds, "memory": entry.memory or None, "failure": entry.failure,
        "metrics": entry.measures.to_dict() if entry.measures is not None else None,
        "estimate": None if judged is None else {
            "psnr": _number(judged.psnr), "interval": [_number(value) for value in judged.interval],
            "range": judged.span, "mse": judged.mse, "noise_variance": judged.noise,
            "remaining": judged.share, "standard_error": judged.share_error, "draws": judged.draws,
            "findings": [finding.to_dict() for finding in judged.findings],
        },
    }  # fmt: skip


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
