"""Preparation of a training: all decisions that depend on the pixels, and the parts of the method."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.learning.base import Learned
from core.learning.clean_stacks import fitted
from core.learning.data import patch_side
from core.learning.optimising import Learner
from core.learning.parts.examples import Examples
from core.learning.parts.setup import Setup
from core.learning.patches import Patches
from core.level import Level
from core.noise.survey import find_outlying
from core.progress import Context
from core.stack import Stack

SHARE = 0.25
"""Largest fraction of the time limit that a step may take with more than one patch."""

PATIENCE = 1.0
"""Seconds beyond twice the time limit that a single patch may take."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """A method with all stack-dependent decisions, and its parts.

    Attributes
    ----------
    method : Learned
        Method for training.
    target : Stack or None
        Clean stack with the shape of the training stack, for methods that need one.
    side : int
        Side of the patches in pixels.
    examples : Examples
        Training examples; their pixels are not read yet.
    learner : Learner
        Network in training.
    findings : tuple of Finding
        Findings about the stack.
    """

    method: Learned
    target: Stack | None
    side: int
    examples: Examples
    learner: Learner
    findings: tuple[Finding, ...]


def resolve(
    stack: Stack, asked: Learned, target: Stack | None, device: torch.device, memory: int, context: Context
) -> Parts:
    """Make all decisions that depend on the pixels, and create the parts of the method.

    Parameters
    ----------
    stack : Stack
        Training stack.
    asked : Learned
        Method with the requested parameters.
    target : Stack or None
        Clean stack, for methods that need one.
    device : torch.device
        Device of the network.
    memory : int
        Maximum memory of training pixels in bytes.
    context : Context
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If the method cannot be trained on this stack.
    """
    side = patch_side(stack, asked.patch, asked.depth)
    if asked.needs_target is not (target is not None):
        raise QuietfieldError(
            f"{asked.label} needs a noisy and a clean stack. Name the clean one too."
            if target is None
            else f"{asked.label} uses only the noisy stack. Name no clean one, or choose CARE."
        )
    target = None if target is None else fitted(target, stack)
    plain = Level.of(stack).stack
    resolved = asked.resolve(plain, context)
    method = resolved.method
    setup = Setup(
        stack=method.training_stack(plain), target=None if target is None else Level.of(target).stack,
        device=device, side=side,
        memory=memory, batch=method.batch, augment=method.augment, validation=method.validation,
        validation_patches=method.validation_patches, seed=method.seed,
        by_channel=method.normalise == "channel", along=method.along, planes=method.patch_planes(plain),
    )  # fmt: skip
    findings: list[Finding | None] = []
    if not method.idle:
        findings += find_outlying(setup.stack, context)
    examples = method.examples(setup)
    learner = Learner(method, setup, examples)
    findings += resolved.findings
    if not method.idle:
        findings.append(examples.finding)
        if side < asked.patch:
            findings.append(Finding(kind=kinds.PATCHES_SMALLER, value=float(side), unit="px"))
    known = tuple(finding for finding in findings if finding is not None)
    return Parts(method=method, target=target, side=side, examples=examples, learner=learner, findings=known)


def affordable_batch(learner: Learner, patches: Patches, limit: float) -> int:
    """Return how many patches a step can have within `SHARE` of a time limit, at least one.

    The gradient of one patch is computed and timed.

    Parameters
    ----------
    learner : Learner
        Network in training; it is not changed.
    patches : Patches
        Patches of one step.
    limit : float
        Time limit of the training in seconds.

    Raises
    ------
    QuietfieldError
        If a single patch takes much longer than the limit.
    """
    count, allowed = len(patches.pixels), SHARE * limit
    fastest = float("inf")
    for _ in range(2):  # the first computation also prepares libraries
        began = time.perf_counter()
        if not learner.try_one(patches, 2 * limit + PATIENCE):
            side = patches.pixels.shape[-1]
            raise QuietfieldError(
                f"Training this network on a single patch of {side} px takes longer than the time limit of "
                f"{limit:g} s. Allow more time, or reduce width, depth or patch side."
            )
        fastest = min(fastest, time.perf_counter() - began)
        if fastest * count <= allowed:
            return count
    return max(1, min(count, int(allowed / fastest)))


def same_source(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two fingerprints belong to the same stacks."""
    return all(one.get(name) == other.get(name) for name in ("sha256", "target"))
