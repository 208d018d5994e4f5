"""Which method of a contest is best, and how sure that is, in words from figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.findings import Finding
from core.quality.judgement import difference, possible_loss
from core.work.contest import Entry

NEAR = 0.2
"""Difference in dB up to which a simpler method is as good for most purposes."""

DECIDED = 0.1
"""Possible loss of the best method in dB up to which it needs no mention."""

FASTER = 2.0
"""Ratio of times from which a method is called faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome of a contest.

    Attributes
    ----------
    ranking : tuple of Entry
        Entries with a result, best first.
    certain : bool
        Whether the best one is better than the second one with a probability of 97.5 %; True with a
        reference.
    possible_loss : float
        How much better another method may be, at most, in dB, with a probability of 97.5 %; 0 with a
        reference.
    text : str
        One to five sentences.
    """

    ranking: tuple[Entry, ...]
    certain: bool
    possible_loss: float = 0.0
    text: str


def judge_entries(entries: Sequence[Entry], doubts: Sequence[Finding] = ()) -> Verdict:
    """Rank entries, and say in words which one is best.

    Parameters
    ----------
    entries : sequence of Entry
        Entries of one contest.
    doubts : sequence of Finding
        Reasons why the estimates may be wrong.
    """
    ranking = sorted((entry for entry in entries if entry.loss < math.inf), key=lambda entry: entry.loss)
    if not ranking:
        return Verdict(ranking=(), certain=False, text="No method has a result that can be judged.")
    best = ranking[0]
    with_reference = best.measures is not None
    how = "by its PSNR against the reference" if with_reference else "by its estimated error"
    words = [f"{best.label} is best {how}"]
    certain = True
    if len(ranking) > 1:
        second = ranking[1]
        gap, certain = apart(best, second)
        if math.isinf(gap):
            words[0] += ", which it equals"
        elif certain:
            words[0] += f", {gap:.1f} dB better than {second.label}"
        else:
            words[0] += f", but {second.label} may be as good ({gap:.1f} dB apart)"
    words[0] += "."
    lost = _possible_loss(ranking)
    if lost > DECIDED:
        words.append(f"Within the uncertainty of the estimates, another one may be {lost:.1f} dB better.")
    near = [e for e in ranking[1:] if apart(best, e)[0] <= NEAR and e.seconds * FASTER <= best.seconds]
    simpler = min(near, key=lambda entry: entry.seconds, default=None)
    if simpler is not None:
        ratio = best.seconds / max(simpler.seconds, 1e-6)
        words.append(
            f"{simpler.label} is {apart(best, simpler)[0]:.1f} dB behind and {ratio:.0f} times faster."
        )
    if not with_reference and doubts:
        words.append(f"These are estimates, and may be wrong: {doubts[0].text}")
    return Verdict(ranking=tuple(ranking), certain=certain, text=" ".join(words), possible_loss=lost)


def _possible_loss(ranking: Sequence[Entry]) -> float:
    """Return by how many dB any other entry may be better than the first one, at most."""
    best = ranking[0]
    if best.measures is not None or best.judged is None:
        return 0.0
    return max((possible_loss(best.judged, one.judged) for one in ranking[1:] if one.judged), default=0.0)


def apart(first: Entry, second: Entry) -> tuple[float, bool]:
    """Return by how many dB the first is better, and whether that is certain."""
    if first.measures is not None and second.measures is not None:
        one, other = first.measures["psnr"], second.measures["psnr"]
        return 0.0 if one == other else one - other, True
    if first.judged is None or second.judged is None:
        return math.nan, False
    gap, error = difference(second.judged, first.judged)
    # an estimate near or below 0 has no logarithm: its uncertainty is the least error that can be told
    low = max(first.judged.share, first.judged.share_error, 1e-6)
    return 10 * math.log10(max(low + gap, low * 1e-3) / low), gap > 2 * error
