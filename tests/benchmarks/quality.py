"""PSNR over time: every method on recorded and simulated stacks, with the same time limit.

Writes quality.csv, to which later runs add, and for every set a plot of the medians over seeds. Times
count a method's own work. Where other work keeps the processor busy all suffer alike only if they run in
turns: compare rows of one run. A network looked at before its time is up was trained with a learning rate
that is still high: for a fair figure at 30 s, run with --seconds 30.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks._contenders import Task, contenders, suits
from tests.benchmarks._sets import SETS, Set, mean_score

COLUMNS = ("set", "measure", "method", "preset", "budget", "seed", "seconds", "psnr")


def main(arguments: list[str]) -> None:
    given = _parsed(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / "quality.csv"
    chosen = [one for one in SETS if not given.sets or any(name in one.name for name in given.sets)]
    runners = contenders(given.preset, given.careamics)
    wanted = {n: r for n, r in runners.items() if not given.methods or n in given.methods}
    unknown = set(given.methods) - set(runners)
    if unknown or not chosen:
        raise SystemExit(f"there is no {', '.join(sorted(unknown)) or 'such set'}; there are: "
                         f"{', '.join(runners)}; and the sets {', '.join(s.name for s in SETS)}")  # fmt: skip
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        for of in chosen:
            for seed in range(given.seeds):
                _run(of, seed, wanted, given, writer)
                file.flush()
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for of in chosen:
        mine = [row for row in rows if row["set"] == of.name and float(row["budget"]) == given.seconds]
        _tell(of, mine)
        plot(of, mine, given.out / f"{of.name}.png")


def _run(of: Set, seed: int, wanted: dict, given: argparse.Namespace, writer: csv.DictWriter) -> None:
    noisy, truth = of.read(seed)
    moments = tuple(given.seconds / 2**k for k in range(5, 0, -1) if given.seconds / 2**k >= 1)
    task = Task(
        of=of, noisy=noisy, truth=truth, frames=min(given.frames, len(noisy)), seconds=given.seconds,
        moments=moments, seed=seed, device=given.device, threads=given.threads,
        given=tuple(tuple(text.split("=", 1)) for text in given.set),
    )  # fmt: skip
    for name, runner in wanted.items():
        if not suits(name, task):
            continue
        try:
            for seconds, images in runner(task):
                value = mean_score(images, truth, of.measure)
                writer.writerow({
                    "set": of.name, "measure": of.measure, "method": name, "preset": given.preset,
                    "budget": given.seconds, "seed": seed, "seconds": round(seconds, 3),
                    "psnr": round(value, 4),
                })  # fmt: skip
                print(f"{of.name:<24}{name:<18}seed {seed}{seconds:9.1f} s{value:8.2f} dB", flush=True)
        except Exception as error:
            # one method that fails must not cost the hours of the others; it is named and left out
            print(f"{of.name:<24}{name:<18}seed {seed}   failed: {type(error).__name__}: {error}", flush=True)


def _tell(of: Set, rows: Sequence[dict[str, str]]) -> None:
    ends: dict[str, list[float]] = defaultdict(list)
    for (method, _), points in _curves(rows).items():
        ends[method].append(points[-1][1])
    print(f"\n{of.name} ({of.measure}): median of the last points, and spread over the runs")
    for method, values in sorted(ends.items(), key=lambda item: -statistics.median(item[1])):
        low, high = min(values), max(values)
        print(f"  {method:<20}{statistics.median(values):7.2f} dB   {low:.2f} to {high:.2f} ({len(values)})")


def _curves(rows: Sequence[dict[str, str]]) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Points of each method and seed in the order of time; of rows that repeat a run, all count."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        found[row["method"], row["seed"]].append((float(row["seconds"]), float(row["psnr"])))
    return {key: sorted(points) for key, points in found.items()}


def plot(of: Set, rows: Sequence[dict[str, str]], path: Path) -> None:
    """Draw PSNR against time, one colour a method, one line a seed; what takes no training as a dot."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import pyqtgraph
    from pyqtgraph.exporters import ImageExporter

    app = pyqtgraph.mkQApp()
    widget = pyqtgraph.PlotWidget(background="w")
    widget.resize(1000, 650)
    widget.setTitle(f"{of.name}: PSNR ({of.measure}) against the seconds a method worked", color="k")
    widget.addLegend(offset=(-10, -10), labelTextColor="k")
    widget.setLogMode(x=True, y=False)
    widget.setLabel("bottom", "seconds")
    widget.setLabel("left", "PSNR in dB")
    curves = _curves([row for row in rows if row["method"] != "raw"])
    names = sorted({method for method, _ in curves})
    told: set[str] = set()
    for (method, _), points in curves.items():
        color = pyqtgraph.intColor(names.index(method), max(len(names), 9), maxValue=190)
        seconds, values = (np.array(column) for column in zip(*points, strict=True))
        widget.plot(
            seconds.clip(min=0.01), values, pen=pyqtgraph.mkPen(color, width=2), symbol="o", symbolSize=6,
            symbolBrush=color, symbolPen=None, name=None if method in told else method,
        )  # fmt: skip
        told.add(method)
    app.processEvents()
    exporter = ImageExporter(widget.plotItem)
    exporter.parameters()["width"] = 1200
    exporter.export(str(path))


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks quality", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="time of each training")
    parser.add_argument("--sets", nargs="*", default=[], help="only sets whose name contains one of these")
    parser.add_argument("--methods", nargs="*", default=[], help="only these methods")
    parser.add_argument("--preset", default="fast", help="preset of the networks")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="parameters of the networks"
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--frames", type=int, default=4, help="frames that are scored; all are trained on")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--careamics", type=Path, help="Python of an environment that holds careamics")
    parser.add_argument("--out", type=Path, default=Path("benchmark"), help="folder for CSV and plots")
    return parser.parse_args(arguments)
