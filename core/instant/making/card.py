"""The card of the network: what it is, how it was trained, how well it does on simulations."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from core.files.atomic import write_text
from core.instant.weights import load_network


def write_card(path: Path) -> None:
    """Write the card of a network beside its file, with the suffix ``.md``."""
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
{_listed(record["depths"])} at a half, a quarter, an eighth and a sixteenth of the resolution. It sees an
image with noise made uniform and its blurs, and if wanted two planes or frames before and two after it. It
also tells what error it expects of every pixel. It was trained on simulated microscopy only
(`core/simulation`: scenes, volumes, time lapses); it has never seen a recorded image. Weights are in half
precision.

It expects noise that is Poisson-Gaussian, independent or correlated over about a pixel, and estimated well.
It is not meant for images whose noise is of another kind (compression, scratches, patterns), and like every
denoiser it may smooth away structures that are weaker than the noise, or sharpen noise into structure. Do
not measure what depends on single pixels from its results without a control.

## Training

{record["hours"]:.2f} hours, {record["steps"]} steps, started {record["starts"]} times; {record["machine"]}.

{chosen}

The scenes a step sees depend on how often the training was started and how many processes simulate.

## Simulated scenes it never saw

PSNR in dB, range = brightest mean of each scene; the Gaussian is the best of eight for each image, chosen
with the truth. Noise known; not averaged over orientations. The last column compares the squared error the
network expects with that which it makes, in dB: 0 is right, above 0 is too careful.

| light | raw | best Gaussian | network | expected error |
|---|---|---|---|---|
{rows}

## Course

| hours | steps | log error | mean PSNR |
|---|---|---|---|
{points}
""",
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
