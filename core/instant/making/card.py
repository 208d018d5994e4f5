"""The model card of a network: description, training, and performance on simulations."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from core.files.atomic import write_text
from core.instant.weights import load_network


def write_card(path: Path) -> None:
    """Write the model card beside the file of a network, with the suffix ``.md``."""
    network, record = load_network(path)
    settings = record["settings"]
    parameters = sum(p.numel() for p in network.parameters())
    rows = "\n".join(
        f"| {row['name']} | {row['raw']:.2f} | {row['gaussian']:.2f} | {row['network']:.2f} "
        f"| {row['doubt']:+.2f} |"
        for row in record["validation"]
    )
    curve = record["curve"]
    common = set.intersection(*(set(p["psnr"]) for p in curve))
    every = max(1, len(curve) // 12)
    points = "\n".join(
        f"| {p['hours']:.2f} | {p['step']} | {p['error']:.3f} "
        f"| {statistics.mean(p['psnr'][name] for name in common):.2f} |"
        for p in (*curve[: len(curve) - 1 : every], curve[-1])
    )
    chosen = "\n".join(f"- {name}: {value}" for name, value in settings.items())
    write_text(
        path.with_suffix(".md"),
        f"""# Network of Instant, quality "{path.stem}"

A U-Net with {parameters} parameters: channels {_listed(record["widths"])}, pairs of convolutions
{_listed(record["depths"])} at 1/2, 1/4, 1/8 and 1/16 of the resolution. Its input is an image with
uniform noise and its blurs, and optionally the two planes or frames before and the two after it. It also
predicts the standard error of every pixel. It was trained only on simulated microscopy images
(`core/simulation`: scenes, volumes, time lapses), never on recorded images. Weights are stored in half
precision.

The network assumes Poisson-Gaussian noise that is independent, or correlated over about one pixel, and
estimated well. It is not intended for other noise (compression, scratches, patterns). Like every denoiser,
it may remove structures that are weaker than the noise, or turn noise into structure. Do not measure
quantities that depend on single pixels in its results without a control.

## Training

{record["hours"]:.2f} hours, {record["steps"]} steps, started {record["starts"]} times; {record["machine"]}.

{chosen}

The scenes of a step depend on the number of starts and on the number of worker processes.

## Validation on simulated scenes

PSNR in dB, range = brightest mean of each scene. The Gaussian is the best of eight for each image, chosen
with the ground truth. The noise is known; results are not averaged over orientations. The last column is the
ratio of predicted to actual squared error in dB: 0 is correct, above 0 the prediction is too large.

| light | raw | best Gaussian | network | expected error |
|---|---|---|---|---|
{rows}

## Training curve

| hours | steps | log error | mean PSNR |
|---|---|---|---|
{points}
""",
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
