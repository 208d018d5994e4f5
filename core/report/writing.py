"""Write a report and the files beside it: all of them, or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from core.errors import QuietfieldError
from core.files.atomic import Taken, write_texts
from core.methods.base import Method
from core.noise.report import NoiseReport, report_noise
from core.progress import Context
from core.report import repeating, tables
from core.report.analysis import analyse_channels
from core.report.comparison import Comparison
from core.report.page import render

PAGE, TABLE, FACTS = "report.html", "comparison.csv", "comparison.json"
"""Names of the written files, besides the recipes."""


def write_report(
    folder: Path, comparison: Comparison, context: Context | None = None, *, taken: Taken = "refuse"
) -> tuple[Path, ...]:
    """Write the page, the table as CSV, all figures as JSON, and the recipe of each method without training.

    Parameters
    ----------
    folder : Path
        Folder, which is made if necessary.
    comparison : Comparison
        Finished comparison.
    context : Context, optional
        Progress and cancellation.
    taken : {"refuse", "replace", "rename"}
        What to do with existing files of the same names.

    Returns
    -------
    tuple of Path
        Written files, the page first.

    Raises
    ------
    QuietfieldError
        If a file cannot be written; then none is, and what was there stays.
    Cancelled
        If the context is cancelled; nothing is written.
    """
    context = context or Context()
    noise = _noise(comparison, context.part(0.0, 0.3))
    channels = analyse_channels(comparison, context.part(0.3, 0.8))
    context.step(0.8, "Writing the report")
    texts = {
        PAGE: render(comparison, channels, noise),
        TABLE: tables.as_csv(comparison),
        FACTS: json.dumps(tables.facts(comparison), indent=1) + "\n",
    }
    texts |= {one.file: one.recipe for one in repeating.repeats(comparison) if one.file}
    context.step(0.95, "Writing the report")
    return write_texts(folder, texts, taken)


def names(methods: Sequence[Method]) -> tuple[str, ...]:
    """Return the names of all files of the report of a comparison of methods."""
    return (PAGE, TABLE, FACTS, *repeating.recipe_names(methods))


def _noise(comparison: Comparison, context: Context) -> NoiseReport | None:
    try:
        return report_noise(comparison.stack, context)
    except QuietfieldError:  # planes that are too small for it can still be compared with a reference
        return None
