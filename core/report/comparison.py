"""A finished comparison of methods on one stack, as reports describe it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.findings import Finding
from core.quality.metric import Measures
from core.stack import Region, Stack
from core.work.contest import Entry, part_of, score
from core.work.verdict import Verdict, judge_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A contest of methods, with what is needed to repeat it.

    Attributes
    ----------
    stack : Stack
        Noisy stack.
    region : tuple of slice
        Part that was compared.
    entries : tuple of Entry
        Entries of all methods, those that failed included.
    when : datetime
        Time of the comparison.
    reference : Stack or None
        Clean stack, or one clean plane.
    affine : bool
        Whether results were fitted to the reference first.
    tuned : bool
        Whether the sizes of filters were chosen by the estimated error.
    seconds : float
        Time that was given to the comparison; 0 without networks.
    seed : int
        Seed of estimates and networks.
    doubts : tuple of Finding
        Reasons why the estimates may be wrong.
    options : tuple of str
        Options of the command line with which the stack was opened, such as its axes.
    """

    stack: Stack
    region: Region
    entries: tuple[Entry, ...]
    when: datetime.datetime
    reference: Stack | None = None
    affine: bool = False
    tuned: bool = True
    seconds: float = 0.0
    seed: int = 0
    doubts: tuple[Finding, ...] = ()
    options: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        """Ranking, and which method is best in words."""
        return judge_entries(self.entries, self.doubts)

    @property
    def failed(self) -> tuple[Entry, ...]:
        """Entries without a result that can be judged."""
        ranked = {id(entry) for entry in self.verdict.ranking}
        return tuple(entry for entry in self.entries if id(entry) not in ranked)

    @property
    def with_reference(self) -> bool:
        """Whether methods are ranked by a reference."""
        return any(entry.measures is not None for entry in self.entries)

    @property
    def source(self) -> Path:
        """Name of the file of the stack, without its folder."""
        path = self.stack.meta.path
        return Path(path.name if path is not None and path.name else self.stack.meta.name)

    @property
    def usual_area(self) -> bool:
        """Whether rows and columns are those that are compared by default."""
        return self.region[-2:] == part_of(self.stack)[-2:]

    @property
    def usual_planes(self) -> bool:
        """Whether channels, planes and time points are those that are compared by default."""
        return self.region[:-2] == part_of(self.stack)[:-2]

    def raw(self) -> Measures | None:
        """Compute the metrics of the noisy stack against the reference, if results have any."""
        if not self.with_reference:
            return None
        cropped = self.stack.crop(self.region)
        return score(cropped, self.stack, self.region, self.reference, affine=self.affine)


def noisy_psnr(entries: Sequence[Entry]) -> float:
    """Return the estimated PSNR of the noisy image in dB, as the entries' estimates; NaN without any."""
    for entry in entries:
        if entry.judged is not None:
            return 10 * math.log10(entry.judged.span**2 / entry.judged.noise)
    return math.nan
