"""Sentences of a report: what was compared, how it was judged, and what to cite."""

from __future__ import annotations

from core import __version__, catalogue
from core.learning.base import Learned
from core.report.comparison import Comparison
from core.stack import AXIS_NAMES
from core.work.contest import Entry
from core.work.methods_text import noise_in_words, size_in_words, versions_in_words
from core.work.recipe import Step

PANG_2021 = (
    "Pang T, Zheng H, Quan Y, Ji H. Recorrupted-to-Recorrupted: unsupervised deep learning for image "
    "denoising. CVPR 2021, doi:10.1109/CVPR46437.2021.00208"
)
MARCOS_2022 = (
    "Marcos-Morales A, Leibovich M, Mohan S, et al. Evaluating unsupervised denoising requires unsupervised "
    "metrics. arXiv:2210.05553 (2022)"
)
NIEUWENHUIZEN_2013 = (
    "Nieuwenhuizen RPJ, Lidke KA, Bates M, et al. Measuring image resolution in optical nanoscopy. Nature "
    "Methods 10 (2013), doi:10.1038/nmeth.2448"
)
KOHO_2019 = (
    "Koho S, Tortarolo G, Castello M, et al. Fourier ring correlation simplifies image restoration in "
    "fluorescence microscopy. Nature Communications 10 (2019), doi:10.1038/s41467-019-11024-z"
)


class References:
    """Papers, numbered in the order in which they are cited."""

    def __init__(self) -> None:
        self.papers: list[str] = []

    def cite(self, *papers: str) -> str:
        """Return the numbers of papers in brackets, with a space before; "" for none."""
        if not papers:
            return ""
        self.papers += [paper for paper in papers if paper not in self.papers]
        return f" [{', '.join(str(self.papers.index(paper) + 1) for paper in papers)}]"


def methods_paragraph(comparison: Comparison, references: References) -> str:
    """Return a paragraph for the methods section of a paper, with citations.

    Parameters
    ----------
    comparison : Comparison
        Finished comparison.
    references : References
        Receives the papers that are cited.
    """
    stack, ranking = comparison.stack, comparison.verdict.ranking
    compared = [entry for entry in comparison.entries if not entry.failure]
    named = []
    for entry in compared:
        papers = catalogue.find(entry.method.name).citations
        named.append(f"{entry.label}{references.cite(*papers)}")
    packages = ("numpy", "scipy", "torch") if any(e.method.group != "filter" for e in compared) else ()
    sentences = [
        f"The image stack {stack.meta.name} ({size_in_words(stack)}) was denoised with Quietfield "
        f"{__version__} ({versions_in_words(packages or ('numpy', 'scipy'))}) by "
        f"{len(compared)} method{'s' if len(compared) != 1 else ''}: {', '.join(named)}.",
        f"They were compared on {part_in_words(comparison)}.",
    ]
    if comparison.tuned and any(entry.method.group == "filter" and entry.judged for entry in compared):
        sentences.append("The sizes of the filters were those with the smallest estimated error.")
    sentences += [_training(entry) for entry in compared if isinstance(entry.method, Learned)]
    sentences.append(_judging(comparison, references))
    if ranking:
        best = ranking[0]
        if isinstance(best.method, Learned):
            sentences.append(f"The best was {best.method.label}.")
        else:
            sentences.append(f"The best was {best.method.label} ({Step.of(best.method).parameters}).")
    noise = noise_in_words(stack)
    return " ".join((*sentences, noise) if noise else sentences)


def _training(entry: Entry) -> str:
    """Return a sentence about the training of a network on this stack."""
    if entry.result is None or entry.result.model is None:
        return f"{entry.method.label} was trained on this stack."
    record = entry.result.model.record
    return (
        f"{entry.method.label} was trained on this stack for {record.steps} steps ({record.seconds:.3g} s, "
        f"device {record.device}; {Step.of(entry.result.method).parameters})."
    )


def _judging(comparison: Comparison, references: References) -> str:
    if comparison.reference is not None and comparison.with_reference:
        fit = " after a least-squares fit of scale and offset" if comparison.affine else ""
        return (
            f"They were ranked by the PSNR{fit} against the reference {comparison.reference.meta.name}, with "
            "the range of the reference (maximum minus minimum of each plane) as data range."
        )
    draws = max((entry.judged.draws for entry in comparison.entries if entry.judged is not None), default=0)
    if not draws:
        return "No error could be estimated."
    return (
        "Their mean squared errors were estimated without a reference: each method was applied to "
        f"{draws} versions of the image with additional noise of the measured variance and autocorrelation "
        "(or with a part of its counts, where there are few photons), and compared with versions whose noise "
        f"is independent of it{references.cite(PANG_2021)}. The PSNR refers to the range of the smoothed "
        "noisy image."
    )


def part_in_words(comparison: Comparison) -> str:
    """Return which rows, columns and other indices were compared, counted from 1."""
    parts = dict(zip(comparison.stack.axes, comparison.region, strict=True))
    words = []
    for axis in "YXTZC":
        part = parts.get(axis)
        if part is None or (comparison.stack.sizes[axis] == 1 and axis in "TZC"):
            continue
        name = {"T": "time point"}.get(axis, AXIS_NAMES[axis])
        if part.stop - part.start > 1:
            words.append(f"{name}s {part.start + 1} to {part.stop}" if axis != "Z" else _depths(part))
        else:
            words.append(f"{name} {part.start + 1}" if axis != "Z" else f"plane {part.start + 1}")
    return ", ".join(words)


def _depths(part: slice) -> str:
    return f"planes {part.start + 1} to {part.stop}"
