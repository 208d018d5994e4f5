"""Simulate an experiment: a noisy stack of a specimen and its ground truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.machine import available_memory
from core.methods.base import Method
from core.params import param
from core.progress import Context
from core.simulation import optics
from core.simulation.detection import Detector, record
from core.simulation.example import Sample
from core.simulation.lettering import page
from core.simulation.motion import moving_scene
from core.simulation.scenes import FILLING, FLUORESCENT, Specimen, expose, scene
from core.simulation.sequences import volume
from core.simulation.target import FINER, blurred_target
from core.stack import Metadata, Stack

SPECIMENS: Mapping[str, Specimen] = {
    **{draw.__name__.replace("_", "-"): draw for draw in (*FLUORESCENT, *FILLING)},
    "text": page,
}
"""Specimens by name."""

KINDS: Mapping[str, str] = {
    "image": "Still frames",
    "time-lapse": "Time lapse",
    "volume": "Volume",
}
"""Kinds of stacks by name, with their labels."""

CAMERA = Detector(read_noise=1.5, levels=65536, step=4.0, dark=100.0)

DETECTORS: Mapping[str, tuple[str, Detector]] = {
    "camera": ("Camera", CAMERA),
    "scmos": ("sCMOS camera", replace(CAMERA, uneven=0.4, hot=2e-4, dead=1e-4)),
    "emccd": ("EMCCD", replace(CAMERA, read_noise=0.1, excess=True, step=20.0)),
    "photomultiplier": (
        "Photomultiplier", Detector(pulse=1.5, read_noise=0.1, levels=256, step=12.0, dark=4.0),
    ),
    "interpolated": ("Interpolated", replace(CAMERA, coarser=1.5)),
    "scanned": ("Line scanner", replace(CAMERA, kernels=((), (0.1, 0.2, 0.7, 0.0, 0.0)))),
    "stripes": ("Striped camera", replace(CAMERA, stripes=(1.0, 0.0))),
    "ideal": ("Shot noise only", replace(CAMERA, read_noise=0.0, dark=0.0)),
}  # fmt: skip
"""Detectors by name, with their labels."""

PIXEL, INTERVAL = 0.1, 1.0
"""Pixel size in micrometres, and time between frames in seconds."""

STEP, FIELD = 0.5, 0.8
"""Distance of planes in depths of field, and depth of field in micrometres."""

BYTES, ONCE, KEPT = 48, 40, 2
"""Bytes per pixel: of every distinct plane of light, of one plane, and of every noisy plane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation(Method):
    """Simulate a noisy stack of a specimen with known ground truth."""

    specimen: str = param(
        "mixture", "Specimen", help="Kind of specimen.",
        choices={"mixture": "A random mixture"} | {n: n.replace("-", " ").capitalize() for n in SPECIMENS},
    )  # fmt: skip
    kind: str = param(
        "image", "Kind", choices=KINDS,
        help="Noisy frames of one still image, frames of a moving scene, or planes along Z.",
    )  # fmt: skip
    size: int = param(256, "Size", unit="px", ge=32, le=4096, step=32, help="Rows and columns.")
    planes: int = param(10, "Planes or frames", ge=1, le=1000, step=1, help="Number of planes or frames.")
    photons: float = param(
        20.0, "Photons", gt=0, le=1e6, step=1,
        help="Mean number of photons in a bright pixel; fewer photons give more noise.",
    )  # fmt: skip
    detector: str = param(
        "camera", "Detector", choices={name: label for name, (label, _) in DETECTORS.items()},
        help="Detector. Interpolated and scanned images have noise that is correlated between pixels.",
    )  # fmt: skip
    sigma: float = param(
        0.0, "PSF sigma", short="PSF sigma", unit="px", ge=0.0, le=5.0, step=0.1,
        help="Standard deviation of a known Gaussian PSF, which is all that blurs still frames: a target for "
        "methods with a PSF. 0 for random optics.",
    )  # fmt: skip
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help="The same seed gives the same pixels.")

    def run(self, context: Context | None = None) -> Sample:
        """Simulate the stack.

        Parameters
        ----------
        context : Context, optional
            Progress and cancellation.

        Returns
        -------
        Sample
            Noisy stack, TYX or ZYX, uint8 or uint16, and its ground truth, float32: YX if all frames show one
            image, else with the same axes.

        Raises
        ------
        QuietfieldError
            If the free memory is too small.
        Cancelled
            If the context is cancelled.
        """
        context = context or Context()
        self.check_memory()
        if self.sigma and self.kind != "image":
            raise QuietfieldError(
                f"A known PSF (sigma {self.sigma:g} px) is only simulated for still frames. Choose still "
                "frames, or sigma 0."
            )
        context.step(0.0, "Drawing the specimen")
        light = self.light()
        detector = self._fit_detector(self.photons * float(light.max()))
        noise = np.random.default_rng([self.seed, 1])
        noisy = np.empty(
            (self.planes, self.size, self.size), np.uint8 if detector.levels <= 256 else np.uint16
        )
        clean = np.empty(light.shape, np.float32)
        for number in range(self.planes):
            context.step(0.5 + 0.5 * number / self.planes, "Detecting photons")
            shown = min(number, len(light) - 1)
            recording = record(self.photons * light[shown].astype(np.float64), detector, noise)
            noisy[number], clean[shown] = recording.noisy, recording.mean
        return self._make_sample(noisy, clean)

    @property
    def needed_memory(self) -> int:
        """Memory needed for the simulation, in bytes."""
        different = FINER**2 if self.sigma else 1 if self.kind == "image" else self.planes
        return (BYTES * different + ONCE + KEPT * self.planes) * self.size**2

    def check_memory(self) -> None:
        """Raise a `QuietfieldError` if the free memory is too small."""
        free = available_memory()
        if self.needed_memory > free:
            raise QuietfieldError(
                f"Simulating {self.planes} planes of {self.size} x {self.size} pixels needs about "
                f"{self.needed_memory / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free. "
                "Choose fewer or smaller planes."
            )

    def light(self) -> NDArray[np.float32]:
        """Return light, about 1 in bright regions: (1, Y, X) for one image, else (T, Y, X) or (Z, Y, X)."""
        shape, draw = (self.size, self.size), SPECIMENS.get(self.specimen)
        if self.kind == "image" and self.sigma:
            return blurred_target(self.seed, shape, draw, self.sigma)[None]
        if self.kind == "image":
            return scene(self.seed, shape, draw)[None]
        if self.kind == "volume":
            light = volume(self.seed, self.planes, shape, draw, step=STEP)
            haze = optics.gaussian(light.mean(axis=0).astype(np.float64), 10.0)
            return (0.95 * light + 0.15 * haze).astype(np.float32)
        rng = np.random.default_rng(self.seed)
        return expose(moving_scene(self.planes, shape, rng, draw), rng)

    def _fit_detector(self, brightest: float) -> Detector:
        """Return the detector, with its gain reduced until the brightest pixels fit into its levels."""
        detector = DETECTORS[self.detector][1]
        room = brightest + 8 * np.sqrt(2 * brightest + detector.read_noise**2) + 1
        return replace(detector, step=min(detector.step, float((detector.levels - 1 - detector.dark) / room)))

    def _make_sample(self, noisy: NDArray[np.unsignedinteger], clean: NDArray[np.float32]) -> Sample:
        axis = "Z" if self.kind == "volume" else "T"
        spacing = {"X": PIXEL, "Y": PIXEL, axis: STEP * FIELD if axis == "Z" else INTERVAL}
        what = self.specimen.replace("-", " ")
        details: dict[str, str | int | float] = {
            "seed": self.seed, "scene": KINDS[self.kind].lower(), "detector": DETECTORS[self.detector][0],
        }  # fmt: skip
        known = Metadata(
            name=f"Simulated {what}", spacing=spacing, format="Simulation", unit="µm",
            findings=(
                Finding(kind=kinds.SIMULATED, value=self.photons, unit="photons", details=details),
                *([Finding(kind=kinds.SIMULATED_PSF, value=self.sigma, unit="px")] if self.sigma else []),
            ),
        )  # fmt: skip
        truth = replace(known, name=f"Truth of simulated {what}", findings=(Finding(kind=kinds.TRUTH),))
        stack = Stack.of(noisy, axis + "YX", known)
        if self.kind == "image":
            flat = replace(truth, spacing={"X": PIXEL, "Y": PIXEL})
            return Sample(noisy=stack, clean=Stack.of(clean[0], "YX", flat))
        return Sample(noisy=stack, clean=Stack.of(clean, axis + "YX", truth))


Simulation.name, Simulation.label, Simulation.group = "simulation", "Simulation", "noise"

TEXT_TARGET = Simulation(specimen="text", sigma=1.0, photons=30.0)
"""The built-in page of text, on which a sweep over the sigma of the PSF has a known answer."""
