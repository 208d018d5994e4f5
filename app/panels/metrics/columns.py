"""Columns and cells of the metrics table: metrics against a reference, or estimates without one."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # these import scipy, which the first window does not need
    from core.findings import Finding
    from core.quality.judgement import Judgement
    from core.quality.metric import Measures, Metric

DOUBT = "⚠"
"""Mark of an estimate that may be wrong."""

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of numbers.

    Attributes
    ----------
    heading, help : str
        Heading with the unit, and definition.
    better : {"higher", "lower", "neither"}
        Which values are better.
    numbers : tuple of str
        Headings of its columns in a file.
    ranks : bool
        Whether rows can be sorted by it.
    """

    heading: str
    help: str
    better: Better
    numbers: tuple[str, ...]
    ranks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value in one row.

    Attributes
    ----------
    value : float
        Number by which rows are ordered; NaN if there is none.
    text : str
        Displayed text.
    numbers : tuple of float
        Numbers in a file, NaN where unknown.
    note : str
        Tooltip.
    doubtful : bool
        Whether the value may be wrong, for a reason that the tooltip states.
    tied : bool
        Whether the result may be as good as the best one.
    """

    value: float
    text: str
    numbers: tuple[float, ...]
    note: str = ""
    doubtful: bool = False
    tied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    key : int
        Key of the result.
    label, details : str
        Method of the result, and its parameters.
    frames : float
        Number of input frames per frame of the result; infinity for all of them, NaN without time.
    cells : tuple of Cell or None
        One cell for each column; None while they are being computed.
    seconds : float
        Computing time; 0 for the source.
    note : str
        What was measured, such as the number of planes, or why the result cannot be measured.
    """

    key: int
    label: str
    details: str
    frames: float
    cells: tuple[Cell, ...] | None
    seconds: float
    note: str

    @property
    def frames_text(self) -> str:
        """Number of input frames per frame of the result, as text."""
        return "" if math.isnan(self.frames) else "all" if math.isinf(self.frames) else f"{self.frames:g}"


def metric_columns(metrics: Sequence[Metric]) -> tuple[Column, ...]:
    """Return a column for each metric."""
    return tuple(
        Column(
            heading=m.heading, help=m.definition, better=m.better, numbers=(m.heading,),
            ranks=m.better != "neither",
        )
        for m in metrics
    )  # fmt: skip


def metric_cells(metrics: Sequence[Metric], measures: Measures | None, note: str) -> tuple[Cell, ...]:
    """Return the cells of a result with what was measured as `note`; without measures, dashes with it."""
    found = []
    for metric in metrics:
        value = measures[metric.name] if measures is not None else math.nan
        found.append(Cell(value=value, text=metric.show(value), numbers=(value,), note=note))
    return tuple(found)


ESTIMATES: tuple[Column, ...] = (
    Column(
        heading="PSNR (estimated)", better="higher",
        numbers=("PSNR (estimated, dB)", "PSNR from (dB)", "PSNR to (dB)"),
        help="Peak signal-to-noise ratio in dB, estimated without a reference, with its 95 % interval. The "
        "method is applied to the image with added noise like its own, and compared with what the method was "
        "not given. The range is that of the slightly blurred noisy image. Differences between methods are "
        "more certain than each value, because all get the same noise.",
    ),
    Column(
        heading="MSE (estimated)", better="lower", numbers=("MSE (estimated, counts²)", "MSE ± (counts²)"),
        help="Mean squared error in counts², estimated without a reference, with its 95 % interval.",
    ),
)  # fmt: skip
"""Columns without a reference."""


def estimated_cells(found: Judgement, doubts: Sequence[Finding], *, tied: bool) -> tuple[Cell, ...]:
    """Return the cells of an estimated error.

    Parameters
    ----------
    found : Judgement
        Estimated error of a result.
    doubts : sequence of Finding
        Reasons why all estimates may be wrong.
    tied : bool
        Whether the result may be as good as the best one.
    """
    reasons = [finding.text for finding in (*doubts, *found.findings)]
    share = f"The error is {100 * found.share:.3g} ± {200 * found.share_error:.2g} % of the noise variance."
    note = " ".join([*(f"May be wrong: {reason}" for reason in reasons), share])
    low, high = found.interval
    if not math.isfinite(found.psnr):
        text = f"> {low:.1f}"
    elif not math.isfinite(high):
        text = f"{found.psnr:.1f} (> {low:.1f})"
    else:
        text = f"{found.psnr:.1f} ({low:.1f} – {high:.1f})"
    error = 2 * found.share_error * found.noise
    numbers = tuple(value if math.isfinite(value) else math.nan for value in (found.psnr, low, high))
    psnr = Cell(value=-found.share, text=text, numbers=numbers, note=note, doubtful=bool(reasons), tied=tied)
    mse = Cell(
        value=found.mse, text=f"{found.mse:.3g} ± {error:.2g}", numbers=(found.mse, error), note=note,
        doubtful=bool(reasons), tied=tied,
    )  # fmt: skip
    return psnr, mse


def unknown_cells(columns: Sequence[Column], reason: str) -> tuple[Cell, ...]:
    """Return dashes, with the reason why there is no value."""
    return tuple(
        Cell(value=math.nan, text="–", numbers=(math.nan,) * len(column.numbers), note=reason)
        for column in columns
    )


def best(columns: Sequence[Column], rows: Sequence[Row]) -> list[set[int]]:
    """Return the keys of the rows with the best value of each column; empty if there is no comparison."""
    found: list[set[int]] = []
    for number, column in enumerate(columns):
        known = {
            r.key: r.cells[number].value for r in rows if r.cells and math.isfinite(r.cells[number].value)
        }
        if column.better == "neither" or len(known) < 2:
            found.append(set())
            continue
        top = max(known.values()) if column.better == "higher" else min(known.values())
        found.append({key for key, value in known.items() if value == top})
    return found


def headings(columns: Sequence[Column]) -> list[str]:
    """Return the headings of all columns."""
    return ["Result", "Frames in", *(column.heading for column in columns), "Time (s)"]


def as_text(columns: Sequence[Column], rows: Sequence[Row], about: Sequence[str], separator: str) -> str:
    """Return the table as CSV or, with tabs, for a spreadsheet; `about` (reference, fit) is in every row."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    numbers = [name for column in columns for name in column.numbers]
    writer.writerow(
        ["Result", "Frames in", *numbers, "Time (s)", "Parameters", "Measured on", "Reference", "Fit"]
    )
    for row in rows:
        values = [n for cell in row.cells for n in cell.numbers] if row.cells else [math.nan] * len(numbers)
        texts = ["" if math.isnan(v) else f"{v:.7g}" for v in values]
        seconds = f"{row.seconds:.3g}" if row.seconds else ""
        writer.writerow([row.label, row.frames_text, *texts, seconds, row.details, row.note, *about])
    return out.getvalue()
