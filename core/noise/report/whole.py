"""Findings of the noise report about the whole stack: the scene, the amount of data, and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.findings import Finding, Proposal
from core.findings import noise_kinds as words
from core.noise import between
from core.noise.label_free import is_label_free
from core.noise.noise_estimate import NoiseEstimate
from core.noise.report.entry import Entry
from core.noise.report.findings import hidden_line
from core.noise.report.pattern import Pattern
from core.noise.survey import Survey
from core.progress import Context
from core.stack import Stack

LITTLE = 0.25e6
"""Number of pixels below which a network trained on them alone learns little."""

PRESETS = ((2e6, "fast", "Fast"), (50e6, "balanced", "Balanced"), (math.inf, "best", "Best"))
"""Presets of training, with the number of pixels up to which more training would repeat the same patches."""

MOST_READ = 4e8
"""Number of pixels of stacks of which every frame is compared with the others."""


def outlying(stack: Stack, context: Context) -> tuple[Entry, ...]:
    """Return the lines about frames and planes whose intensity is far from that of all others."""
    if math.prod(stack.shape) > MOST_READ:
        return ()
    lines = []
    for axis, things in (("T", "frames"), ("Z", "planes")):
        found = Survey.of(stack).outlying(axis, context) if stack.sizes.get(axis, 1) > 3 else ()
        if found:
            numbers = ", ".join(str(index + 1) for index in found)
            label = f"Leave out {numbers}" if len(found) < 4 else f"Leave out {len(found)} {things}"
            where = " ".join(map(str, found))
            proposal = Proposal(label=label, action="leave-out", params={"axis": axis, "indices": where})
            details: dict[str, str | int | float] = {"things": things, "numbers": numbers}
            finding = Finding(
                kind=words.FRAMES_FAR, value=float(len(found)), details=details, proposal=proposal
            )
            text = f"{things} {numbers}"
            lines.append(Entry(topic="outlying", title=f"Unusual {things}", text=text, finding=finding))
    return tuple(lines)


def scene(stack: Stack, survey: Survey) -> tuple[Entry, ...]:
    """Return the lines about motion, and about noise that neighbouring frames or planes share.

    Without noise there are none: nothing is to be averaged.
    """
    if all(noise.absent for noise in survey.noise().channels):
        return ()
    lines = []
    shared = {axis: survey.shared_noise(axis) for axis in "TZ" if stack.sizes.get(axis, 1) > 2}
    if stack.sizes.get("T", 1) > 1:
        if survey.stands_still():
            average = Proposal(label="Average frames", method="instant", params={"neighbours": "mean"})
            finding = Finding(kind=words.SCENE_STILL, value=float(stack.sizes["T"]), proposal=average)
            text = "static"
        elif shared.get("T", 0.0) > between.LIMIT:
            finding, text = Finding(kind=words.SCENE_UNKNOWN), "unknown"
        else:
            finding, text = Finding(kind=words.SCENE_CHANGES), "moves or changes"
        lines.append(Entry(topic="scene", title="Scene", text=text, finding=finding))
    for axis, value in shared.items():
        things = "frames" if axis == "T" else "planes"
        together = value > between.LIMIT
        kind = words.FRAMES_SHARE if together else words.FRAMES_INDEPENDENT
        label, beside = ("Use no neighbours", "none") if together else (f"Use neighbouring {things}", axis)
        # averaging, which is better, is proposed above
        averaged = axis == "T" and not together and survey.stands_still()
        neighbours = Proposal(label=label, method="quietfield", params={"neighbours": beside})
        finding = Finding(
            kind=kind, value=value, limit=between.LIMIT, details={"axis": axis, "things": things},
            proposal=None if averaged else neighbours,
        )  # fmt: skip
        title = f"Noise shared by {things}"
        lines.append(Entry(topic=f"shared-{axis.lower()}", title=title, text=f"{value:.2f}", finding=finding))
    return tuple(lines)


def kind(stack: Stack) -> tuple[Entry, ...]:
    """Return the line about label-free images; none for others."""
    if not is_label_free(stack):
        return ()
    finding = Finding(kind=words.LABEL_FREE)
    return (Entry(topic="contrast", title="Contrast", text="label-free", finding=finding),)


def data(stack: Stack) -> Entry:
    """Return the line about the amount of data."""
    count = math.prod(stack.shape) // stack.sizes.get("C", 1)
    planes = stack.planes // stack.sizes.get("C", 1)
    rows, columns = stack.shape[-2:]
    text = f"{planes} × {columns} × {rows} pixels"
    details: dict[str, str | int | float] = {"planes": planes, "things": "planes" if planes > 1 else "plane"}
    if count < LITTLE:
        proposal = Proposal(label="Choose Instant", method="instant")
        finding = Finding(
            kind=words.DATA_LITTLE, value=count / 1e6, limit=LITTLE / 1e6, details=details, proposal=proposal
        )
    else:
        name, label = next((name, label) for most, name, label in PRESETS if count <= most)
        preset = Proposal(label=f"Preset {label}", preset=name)
        finding = Finding(
            kind=words.DATA_ENOUGH, value=count / 1e6, limit=LITTLE / 1e6, details=details, proposal=preset
        )
    return Entry(topic="data", title="Amount of data", text=text, finding=finding)


def advice(
    stack: Stack, patterns: Sequence[Pattern], channels: Sequence[NoiseEstimate], about_scene: Sequence[Entry]
) -> Entry:
    """Return what to do with the stack: the first line of a report."""
    instant = Proposal(label="Choose Instant", method="instant")
    still = any(entry.finding.kind == words.SCENE_STILL for entry in about_scene)
    correlated = [hidden_line(pattern) for pattern in patterns]
    along = {axis for axis, _ in correlated if axis}
    line = "both" if len(along) > 1 else next(iter(along), "")
    reach = max(distance for _, distance in correlated)
    if all(noise.absent for noise in channels):
        text, finding = "no denoising", Finding(kind=words.ADVICE_NOTHING)
    elif still:
        average = Proposal(label="Average frames", method="instant", params={"neighbours": "mean"})
        text, finding = "Instant, mean of frames", Finding(kind=words.ADVICE_AVERAGE, proposal=average)
    elif line == "both" and all(noise.reliable for noise in channels):
        text, finding = (
            "Instant",
            _instant("neighbouring pixels share noise, which it takes into account", instant),
        )
    elif line and all(noise.reliable for noise in channels):
        params: dict[str, str | int] = {"line": line, "reach": reach}
        lines = Proposal(label="Hide lines", method="structn2v", params=params)
        details: dict[str, str | int | float] = {
            "along": "rows" if line == "x" else "columns", "length": 2 * reach + 1,
        }  # fmt: skip
        text, finding = "structN2V", Finding(kind=words.ADVICE_LINES, details=details, proposal=lines)
    elif math.prod(stack.shape) // stack.sizes.get("C", 1) < LITTLE:
        text, finding = "Instant", _instant("there is too little data to train a network", instant)
    elif not all(noise.reliable for noise in channels):
        text, finding = "Instant", _instant("the noise is hard to separate from fine structure here", instant)
    else:
        train = Proposal(label="Choose Quietfield", method="quietfield")
        text, finding = "Quietfield", Finding(kind=words.ADVICE_TRAIN, proposal=train)
    return Entry(topic="advice", title="Recommended", text=text, finding=finding)


def _instant(why: str, proposal: Proposal) -> Finding:
    return Finding(kind=words.ADVICE_INSTANT, details={"why": why}, proposal=proposal)
