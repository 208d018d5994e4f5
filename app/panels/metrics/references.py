"""Possible references: none, a file, the mean of a static stack, or a known ground truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from app.shell.snapshot import Reference, Snapshot
from core.catalogue import find
from core.instant.constants import DEPTH, MEAN, SPAN
from core.methods.base import Operation
from core.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """One entry of the list of references.

    Attributes
    ----------
    kind : {"none", "file", "frames", "truth", "present"}
        Kind of reference; "present" is a reference in use that is none of the others.
    label : str
        Name for users.
    stack : Stack or None
        Pixels, if they are in memory.
    reason : str
        Why it cannot be selected now, or "".
    help : str
        Explanation.
    """

    kind: Literal["none", "file", "frames", "truth", "present"]
    label: str
    stack: Stack | None = None
    reason: str = ""
    help: str = ""


def offers(snapshot: Snapshot) -> tuple[Offer, ...]:
    """Return all possible references of a document."""
    source = snapshot.source
    closed = "" if source else "No stack is open."
    frames = source.stack.sizes.get("T", 1) if source else 0
    single = "This stack has a single time point; a mean over time needs at least two."
    mean = f"Mean of the {frames if frames > 1 else ''} frames (static scene)".replace("  ", " ")
    found = [
        Offer(kind="none", label="none", help="Only metrics that need no reference are computed."),
        Offer(
            kind="file", label="File…", reason=closed,
            help="A clean stack, or a clean plane for all planes, from a file.",
        ),
        Offer(
            kind="frames", label=mean, reason=closed or ("" if frames > 1 else single),
            help="The mean over time, for a stack that shows one static scene. Every frame is part of this "
            "mean, so methods that average frames score too high.",
        ),
    ]  # fmt: skip
    if snapshot.truth is not None:
        found.append(
            Offer(
                kind="truth", label=truth_label(snapshot.truth), stack=snapshot.truth,
                help="Ground truth of the opened simulation.",
            )
        )  # fmt: skip
    for result in snapshot.results[1:]:
        parent = snapshot.find(result.parent)
        if result.step is not None and parent is not None and find(result.step.method).group == "noise":
            label = f"Truth: {parent.label} before {result.label}"
            help = "Stack to which the simulated noise was added."
            found.append(Offer(kind="truth", label=label, stack=parent.stack, help=help))
    reference = snapshot.reference
    if reference is not None and chosen(found, reference) is None:
        found.insert(1, Offer(kind="present", label=reference.label, stack=reference.stack))
    return tuple(found)


def truth_label(truth: Stack) -> str:
    """Return the name of the ground truth of a simulation."""
    return truth.meta.name if "truth" in truth.meta.name.lower() else f"Truth of {truth.meta.name}"


def chosen(found: list[Offer] | tuple[Offer, ...], reference: Reference | None) -> Offer | None:
    """Return the entry of the current reference, if it is in the list."""
    if reference is None:
        return found[0]
    for offer in found:
        if offer.stack is reference.stack or (offer.kind == "frames" == reference.kind):
            return offer
    return None


def frames_in(snapshot: Snapshot, key: int) -> float:
    """Return the number of input frames per frame of a result: infinity for all of them, NaN without time."""
    source, result = snapshot.source, snapshot.find(key)
    if source is None or source.stack.sizes.get("T", 1) < 2:
        return math.nan
    reach, total = 0, source.stack.sizes["T"]
    while result is not None and result.step is not None:
        step = result.step
        operation = step.method_for() if step.model is None else None
        if isinstance(operation, Operation):
            reach += operation.halo(source.stack.axes).get("T", 0)
        else:  # of a network, whose neighbours were set or decided in training
            reach += {"T": DEPTH, MEAN: SPAN}.get(str(step.params.get("neighbours")), 0)
        result = snapshot.find(result.parent)
    frames = 2 * reach + 1
    return math.inf if frames >= total else frames
