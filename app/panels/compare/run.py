"""A comparison that runs in a job, and what it has found so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.findings import Finding
from core.methods.base import Method

if TYPE_CHECKING:  # these import scipy and torch, which the first window does not need
    from app.shell.jobs import Job
    from core.progress import Context
    from core.report import Comparison
    from core.work.contest import Entry

SEED = 0
"""Seed of the estimates and of the networks."""


def ordered(found: Comparison) -> tuple[Entry, ...]:
    """Return all entries, best first; those without a result last."""
    return (*found.verdict.ranking, *found.failed)


class Run:
    """Work of a job: compares methods, and emits the comparison after each one.

    Attributes
    ----------
    found : Comparison
        What is known so far; it stays if the job is cancelled.
    notes : tuple of Finding
        Findings about the reference.
    """

    def __init__(self, begin: Comparison, methods: tuple[Method, ...]) -> None:
        self.found, self._methods = begin, methods
        self.notes: tuple[Finding, ...] = ()

    def __call__(self, job: Job) -> Comparison:
        from dataclasses import replace

        from core.errors import QuietfieldError
        from core.quality.judge import Judge
        from core.work.contest import check_reference, contest

        job.context.step(0.0, "Measuring the noise")
        begin = self.found
        stack, region, reference = begin.stack, begin.region, begin.reference
        if reference is not None and not begin.affine:
            self.notes = check_reference(stack, reference, region)
        judge = None
        try:
            judge = Judge(stack, region=region, seed=SEED, context=job.context)
        except QuietfieldError:
            if reference is None:  # there would be nothing to rank by
                raise
        self.found = replace(self.found, doubts=judge.findings if judge is not None else ())
        for entry in contest(
            stack, self._methods, region=region, reference=reference, affine=begin.affine,
            seconds=begin.seconds, seed=SEED, judge=judge, context=job.context,
        ):  # fmt: skip
            self.found = replace(self.found, entries=(*self.found.entries, entry))
            job.emit(self.found)
        return self.found


def fitted(found: Comparison, context: Context) -> Comparison:
    """Return a comparison whose results are fitted to the reference first, without computing them again."""
    from dataclasses import replace

    from core.work.contest import score

    entries = []
    for number, entry in enumerate(found.entries):
        context.step(number / len(found.entries), "Fitting scale and offset")
        if entry.result is not None:
            measures = score(entry.result.stacks[0], found.stack, found.region, found.reference, affine=True)
            entry = replace(entry, measures=measures)
        entries.append(entry)
    return replace(found, entries=tuple(entries), affine=True)
