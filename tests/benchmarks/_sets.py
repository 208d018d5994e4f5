"""Test sets: recorded stacks with ground truth, and clean images with simulated noise.

Nothing is trained for keeps or tuned on these. Every set names its measure: "affine" is the PSNR after
the least-squares straight line from the image to the reference, with the range of the reference;
"255" the PSNR with range 255; "range" the PSNR with the reference's maximum minus minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from core.stack import Stack
from tests.data import DATA

Image = NDArray[np.float64]
Pair = tuple[NDArray[np.generic], Image]

PHOTONS = (3, 10, 30, 100)
FRAMES = 8
SIDE = 384
STEP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """A noisy stack (T, Y, X) and the truth of each frame.

    Attributes
    ----------
    name, measure : str
        What to call it, and how it is scored.
    read : callable
        Gives noisy frames and truths, both (T, Y, X), for a seed (recorded ones are always the same).
    still : bool
        Whether all frames show one scene, as Noise2Noise needs it.
    fields : bool
        Whether frames show different places, so that what was learned on some can be tried on others.
    """

    name: str
    measure: str
    read: Callable[[int], Pair]
    still: bool = False
    fields: bool = False

    def stack(self, noisy: NDArray[np.generic]) -> Stack:
        """Noisy frames as a stack; a single one without time."""
        return Stack.of(noisy, "TYX", name=self.name) if len(noisy) > 1 else Stack.of(noisy[0], "YX")


def score(image: Image, truth: Image, measure: str) -> float:
    """PSNR of one frame in dB."""
    image = image.astype(np.float64)
    if measure == "affine":
        slope, level = np.polyfit(image.ravel(), truth.ravel(), 1)
        image = slope * image + level
    span = 255.0 if measure == "255" else float(np.ptp(truth))
    return float(10 * np.log10(span**2 / np.mean((image - truth) ** 2)))


def mean_score(images: Image, truths: Image, measure: str) -> float:
    """Mean of the PSNR of frames (T, Y, X) in dB; there may be more truths than frames."""
    return float(np.mean([score(i, t, measure) for i, t in zip(images, truths, strict=False)]))


def _recorded(name: str, _: int) -> Pair:
    noisy = tifffile.imread(DATA / name.format("noisy"))
    truth = tifffile.imread(DATA / name.format("clean")).astype(np.float64)
    noisy, truth = (a.reshape(-1, *a.shape[-2:]) for a in (noisy, truth))
    return noisy, np.broadcast_to(truth, noisy.shape)


def _simulated(path: Path, photons: float, seed: int, *, still: bool) -> Pair:
    """Clean image with the noise of a camera: gain 5, offset 100, read noise 1.5 electrons.

    `photons` are detected at the 99.5th percentile of the image. Of a moving scene every frame is `STEP`
    pixels farther along.
    """
    clean = tifffile.imread(path).astype(np.float64)
    clean = clean.reshape(-1, *clean.shape[-2:])[0]
    clean = clean / np.quantile(clean, 0.995)
    starts = [0 if still else STEP * frame for frame in range(FRAMES)]
    side = min(SIDE, min(clean.shape) - max(starts))
    light = np.stack([clean[start : start + side, start : start + side] for start in starts]) * photons
    rng = np.random.default_rng(seed)
    counts = 5 * (rng.poisson(light) + rng.normal(0, 1.5, light.shape)) + 100
    return counts.round().clip(0, 65535).astype(np.uint16), 5 * light + 100


def _all() -> tuple[Set, ...]:
    found = []
    for channel in range(3):
        read = partial(_recorded, f"w2s/{{}}_ch{channel}.tif")
        found.append(Set(name=f"w2s-{channel}", measure="affine", read=read, fields=True))
    for name in ("mice", "fish", "BPAE_B", "BPAE_G", "BPAE_R"):
        read = partial(_recorded, f"fmd/confocal_{name}_{{}}.tif")
        found.append(Set(name=f"fmd-{name.lower().replace('_', '-')}", measure="range", read=read))
    for name in ("confocal_mice", "twophoton_bpae_g", "widefield_bpae_g"):
        read = partial(_recorded, f"fmd/{name}_4frames_{{}}.tif")
        found.append(Set(name=f"fmd-{name.replace('_', '-')}-4", measure="255", read=read, still=True))
    found.append(Set(name="bacteria", measure="range", read=partial(_recorded, "pairs16/bacteria_{}.tif")))
    path = DATA / "w2s" / "clean_ch1.tif"
    for photons in PHOTONS:
        for still in (True, False):
            read = partial(_simulated, path, photons, still=still)
            name = f"simulated-{photons}-{'still' if still else 'moving'}"
            found.append(Set(name=name, measure="range", read=read, still=still))
    return tuple(found)


SETS = _all()
