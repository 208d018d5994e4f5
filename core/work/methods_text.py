"""The paragraph for the methods section of a paper: steps, parameters, versions and citations."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core import __version__, catalogue
from core.noise.report import known_report
from core.noise.report.findings import in_words, plain
from core.stack import AXIS_NAMES, Stack
from core.work.recipe import Step

if TYPE_CHECKING:
    from core.learning.model import Model

COUNTED = {"T": "time points", "C": "channels", "Z": "planes"}


def methods_text(steps: Sequence[Step], source: Stack, models: Mapping[str, Model]) -> str:
    """Return a paragraph about the processing of a stack, with all parameters, versions and citations.

    Parameters
    ----------
    steps : sequence of Step
        Steps from the source to a result.
    source : Stack
        Source of the result.
    models : dict of str to Model
        Available trained networks, by the SHA-256 in the steps.
    """
    papers = list(dict.fromkeys(paper for step in steps for paper in catalogue.find(step.method).citations))
    first = f"The image stack {source.meta.name} ({size_in_words(source)})"
    if not steps:
        return f"{first} was not processed."
    packages = ["numpy", "scipy", *(["torch"] if any(step.model for step in steps) else [])]
    sentences = [f"{first} was processed with Quietfield {__version__} ({versions_in_words(packages)})."]
    for number, step in enumerate(steps):
        words = _sentence(step, models, papers)
        sentences.append(words if number == 0 else f"Then, {words[0].lower()}{words[1:]}")
    noise = noise_in_words(source)
    if noise:
        sentences.append(noise)
    if papers:
        listed = " ".join(f"[{number}] {paper}." for number, paper in enumerate(papers, start=1))
        sentences.append(f"References: {listed}")
    return " ".join(sentences)


def noise_in_words(source: Stack) -> str:
    """Return a sentence about the noise of a stack, if it was measured; else ""."""
    report = known_report(source)
    if report is None:
        return ""
    camera, pattern = report.channels[0].camera, report.channels[0].pattern
    named = (("gain", camera.gain), ("offset", camera.offset), ("read noise", camera.read_noise))
    parts = [f"{what} {in_words(found)}" for what, found in named if found.known]
    parts.append(
        f"correlation of neighbouring pixels {plain(pattern.along_x[0])} along rows and "
        f"{plain(pattern.along_y[0])} along columns"
    )
    how = (
        f"taken from the calibration of the camera {report.camera}" if report.camera
        else "estimated from frames of a static scene" if report.channels[0].method == "frames"
        else "estimated from single planes"
    )  # fmt: skip
    first = " (first channel)" if len(report.channels) > 1 else ""
    return f"The noise of the source{first} was {how} ({', '.join(parts)})."


def size_in_words(stack: Stack) -> str:
    """Return the size of a stack, its pixel size if it is known, and its type."""
    rows, columns = stack.shape[-2:]
    counted = [
        f"{count} {COUNTED[axis] if count > 1 else AXIS_NAMES[axis]}"
        for axis, count in stack.sizes.items()
        if axis in COUNTED and count > 1
    ]
    pixel = stack.meta.spacing.get("X")
    spacing = [f"{pixel:.4g} µm per pixel"] if pixel else []
    return ", ".join([*counted, f"{columns} × {rows} pixels", *spacing, stack.dtype.name])


def versions_in_words(packages: Sequence[str]) -> str:
    """Return the versions of Python and of packages such as "numpy"."""
    from importlib import metadata  # imported on demand, for a fast start

    names = {"numpy": "NumPy", "scipy": "SciPy", "torch": "PyTorch"}
    listed = ", ".join(f"{names[package]} {metadata.version(package)}" for package in packages)
    return f"Python {platform.python_version()}, {listed}"


def _sentence(step: Step, models: Mapping[str, Model], papers: Sequence[str]) -> str:
    cls = catalogue.find(step.method)
    cited = ", ".join(str(papers.index(paper) + 1) for paper in cls.citations)
    label = f"{cls.label} [{cited}]" if cited else cls.label
    if step.model is None:
        what = "noise was simulated with the model" if cls.group == "noise" else "the filter"
        verb = "" if cls.group == "noise" else " was applied"
        return f"{what[0].upper()}{what[1:]} “{label}”{verb} ({step.parameters})."
    words = f"A convolutional neural network was trained by {label}"
    model = models.get(step.model.sha256)
    if model is not None:
        record = model.record
        trained_on = record.source.get("name", "")
        words += f" on {trained_on}" if trained_on else ""
        words += f" for {record.steps} steps ({record.seconds:.0f} s, device {record.device})"
    return (
        f"{words}, with the parameters {step.parameters}; the {step.produces.label} image it predicts was "
        f"used (network with SHA-256 {step.model.sha256[:16]}…)."
    )
