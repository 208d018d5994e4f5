"""The rows of the published comparison: every method for the same time, several seeds, as markdown.

Every finished row is kept in a JSON file beside the table, and is not computed again: the same command goes
on after an interruption. Classic filters have the parameters that the ground truth chooses among `GRIDS`,
which nobody knows in practice. Networks have the preset "fast" and the given time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core import __version__, params
from core.catalogue import find
from core.files.atomic import writing
from core.params import Value
from tests.benchmarks._contenders import GRIDS, Result, Task, method, suits
from tests.benchmarks._sets import SETS, Image, Set, mean_score

FILTERS = {"Box": "box", "Gaussian": "gaussian", "Median": "median", "3D box": "box-3d"}
"""Classic filters of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table: its label, the method, its parameters, and whether it is trained."""

    label: str
    name: str
    given: Mapping[str, Value] = field(default_factory=dict)
    trained: bool = True


def rows() -> tuple[Row, ...]:
    """Return all rows, in the order of the table."""
    found = [Row(label=label, name=name, trained=False) for label, name in FILTERS.items()]
    found += [
        Row(label="Instant", name="instant", trained=False),
        Row(label="Noise2Void", name="n2v"),
        Row(label="N2V conv., sigma 1.0", name="n2v-conv", given={"sigma": 1.0}),
    ]
    for positivity, sigma in itertools.product((0.0, 1.0), (0.5, 1.0, 1.5)):
        label = f"DecoNoising, lambda {positivity:g}, sigma {sigma:g}"
        found.append(Row(label=label, name="deconoising", given={"sigma": sigma, "positivity": positivity}))
    found += [
        Row(label="PN2V", name="pn2v"),
        Row(label="DivNoising", name="divnoising", given={"shown": 0, "samples": 32}),
        Row(label="CARE", name="care"),
        Row(label="Quietfield", name="quietfield"),
    ]
    return tuple(found)


def main(arguments: list[str]) -> None:
    given = _parsed(arguments)
    chosen = [one for one in SETS if any(name in one.name for name in given.sets)]
    wanted = [row for row in rows() if not given.rows or any(word in row.label for word in given.rows)]
    if not chosen or not wanted:
        raise SystemExit(
            f"there is no such set or row; the sets are {', '.join(one.name for one in SETS)}; the rows "
            f"{', '.join(row.label for row in rows())}"
        )
    kept = given.out.with_suffix(".json")
    known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for seed, of in itertools.product(range(given.seeds), chosen):
        for row in wanted:
            key = f"{of.name} | {row.label} | {given.seconds:g} s | {given.crop} px | seed {seed}"
            if key in known or (seed and not row.trained):
                continue
            found = _score(of, row, seed, given)
            if found is None:
                continue
            known[key] = found
            print(f"{key}: {found['psnr']:.2f} dB in {found['seconds']:.0f} s", flush=True)
            _write(kept, json.dumps(known, indent=1))
            _write(given.out, table(known, chosen, given))
    _write(given.out, table(known, chosen, given))


def _score(of: Set, row: Row, seed: int, given: argparse.Namespace) -> dict[str, Any] | None:
    """Return PSNR and time of a row; None if the method does not suit the set."""
    noisy, truth = of.read(seed)
    if given.crop:
        noisy, truth = (one[..., : given.crop, : given.crop] for one in (noisy, truth))
    task = Task(
        of=of, noisy=noisy, truth=truth, frames=min(given.frames, len(noisy)), seconds=given.seconds,
        moments=(), seed=seed, threads=given.threads,
    )  # fmt: skip
    if not suits(row.name, task) or (row.name == "box-3d" and len(noisy) == 1):
        return None
    began = time.perf_counter()
    score, told = max(_results(row, task), key=lambda one: one[0])
    return {
        "psnr": round(score, 4), "seconds": round(time.perf_counter() - began, 1), "parameters": told,
        "measure": of.measure, "frames": task.frames,
    }  # fmt: skip


def _results(row: Row, task: Task) -> Iterator[tuple[float, dict[str, Value]]]:
    """Yield the score of a method; of a classic filter, that with all parameters."""
    grids: dict[str, tuple[Value, ...]] = {}
    if row.name in FILTERS.values():
        described = params.describe(find(row.name))
        grids = {p.name: GRIDS[p.name, p.kind] for p in described if (p.name, p.kind) in GRIDS}
        if row.name == "box-3d":
            task = replace(task, frames=len(task.noisy))
    for values in itertools.product(*grids.values()):
        fixed = {**row.given, **dict(zip(grids, values, strict=True))}
        images: Image
        *_, (_, images) = _run(row, task, fixed)
        yield mean_score(images[: len(task.truth)], task.truth, task.of.measure), fixed


def _run(row: Row, task: Task, fixed: Mapping[str, Value]) -> Iterator[Result]:
    return method(row.name, task, chosen="fast" if row.trained else "", **fixed)


def table(known: Mapping[str, Any], chosen: list[Set], given: argparse.Namespace) -> str:
    """Return the table as markdown: mean and standard deviation over seeds, and how it was made."""
    threads = given.threads or os.cpu_count()
    lines = [
        "# The published comparison, on this program", "",
        f"PSNR in dB after {given.seconds:g} s of training on {threads} CPU thread(s), fast presets, up to "
        f"{given.seeds} seed(s) (mean ± standard deviation; n is the number of seeds that have run). "
        + (f"Fields are cropped to {given.crop} x {given.crop} pixels. " if given.crop else "")
        + f"The first {given.frames} frames are scored; networks are trained on all. 3D box filters along "
        "all frames: repeated shots of one field where a set has them, and different fields in w2s, where it "
        "makes no sense. Instant, and PN2V, DivNoising and Quietfield, which begin with its network, were "
        "trained on simulated images before; the other networks begin with random weights. "
        "Classic filters have the best parameters according to the ground truth, which flatters them.", "",
        *([given.note, ""] if given.note else []),
        "Measures: " + "; ".join(f"{one.name} {one.measure}" for one in chosen) + " (see "
        "`tests/benchmarks/_sets.py`).", "",
        f"Quietfield {__version__}, torch {torch.__version__.split('+')[0]}, {platform.machine()}. Command: "
        f"`python -m tests.benchmarks study --seconds {given.seconds:g} --seeds {given.seeds} --sets "
        f"{' '.join(one.name for one in chosen)} --crop {given.crop} --frames {given.frames}"
        f"{f' --threads {given.threads}' if given.threads else ''} --out {given.out}`.", "",
        "| method | " + " | ".join(one.name for one in chosen) + " |",
        "|---" * (len(chosen) + 1) + "|",
    ]  # fmt: skip
    for row in rows():
        cells = [_cell(known, of, row, given) for of in chosen]
        if any(cell != "-" for cell in cells):
            lines.append(f"| {row.label} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _cell(known: Mapping[str, Any], of: Set, row: Row, given: argparse.Namespace) -> str:
    start = f"{of.name} | {row.label} | {given.seconds:g} s | {given.crop} px |"
    values = [found["psnr"] for key, found in known.items() if key.startswith(start)]
    if not values:
        return "-"
    mean = statistics.fmean(values)
    if len(values) == 1:
        return f"{mean:.2f}" + (" (n 1)" if row.trained and given.seeds > 1 else "")
    some = f" (n {len(values)})" if len(values) < given.seeds else ""
    return f"{mean:.2f} ± {np.std(values, ddof=1):.2f}{some}"


def _write(path: Path, text: str) -> None:
    with writing(path) as draft:
        draft.part.write_text(text, encoding="utf-8")


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks study", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="time of each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--sets", nargs="+", default=["w2s", "fmd"], help="sets whose name contains one of these"
    )
    parser.add_argument("--rows", nargs="*", default=[], help="only rows whose label contains one of these")
    parser.add_argument("--frames", type=int, default=4, help="frames that are scored; all are trained on")
    parser.add_argument(
        "--crop", type=int, default=0, help="side of the fields in pixels; 0 for whole fields"
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument("--note", default="", help="sentence about the machine, for the table")
    parser.add_argument("--out", type=Path, default=Path("docs/study.md"), help="table to write")
    return parser.parse_args(arguments)
