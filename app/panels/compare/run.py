"""A comparison that runs in a job, and what it has found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.findings import Finding
from core.methods.base import Method
from core.stack import Region, Stack

if TYPE_CHECKING:  # these import scipy and torch, which the first window does not need
    from app.shell.jobs import Job
    from core.progress import Context
    from core.work.contest import Entry
    from core.work.verdict import Verdict

SEED = 0
"""Seed of the estimates and of the networks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """What a comparison has found, complete or not.

    Attributes
    ----------
    stack : Stack
        Noisy stack.
    region : tuple of slice
        Region of one plane that is compared.
    seconds : float
        Time of the whole comparison, in seconds.
    reference : Stack or None
        Clean stack, and its name for users.
    affine : bool
        Whether results are fitted to the reference first.
    entries : tuple of Entry
        Entries of the methods that are complete or have failed, in the order of their completion.
    doubts : tuple of Finding
        Reasons why the estimates may be wrong.
    notes : tuple of Finding
        Findings about the reference.
    """

    stack: Stack
    region: Region
    seconds: float
    reference: Stack | None = None
    reference_name: str = ""
    affine: bool = False
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    doubts: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Ranking of the entries, and the verdict in words."""
        from core.work.verdict import judge_entries

        return judge_entries(self.entries, self.doubts)

    @property
    def ordered(self) -> tuple[Entry, ...]:
        """All entries, best first; those without a result last."""
        ranking = self.verdict.ranking
        placed = {id(entry) for entry in ranking}
        return (*ranking, *(entry for entry in self.entries if id(entry) not in placed))


class Run:
    """Work of a job: compares methods, and emits a `Compared` after each one.

    Attributes
    ----------
    found : Compared
        What is known so far; it stays if the job is cancelled.
    """

    def __init__(self, begin: Compared, methods: tuple[Method, ...]) -> None:
        self.found, self._methods = begin, methods

    def __call__(self, job: Job) -> Compared:
        from dataclasses import replace

        from core.errors import QuietfieldError
        from core.quality.judge import Judge
        from core.work.contest import check_reference, contest

        job.context.step(0.0, "Measuring the noise")
        begin = self.found
        stack, region, reference = begin.stack, begin.region, begin.reference
        if reference is not None and not begin.affine:
            self.found = replace(self.found, notes=check_reference(stack, reference, region))
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


def fitted(found: Compared, context: Context) -> Compared:
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
    return replace(found, entries=tuple(entries), affine=True, notes=())
