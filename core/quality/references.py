"""Whether a reference has the scale and the offset of a stack."""

from __future__ import annotations

import math

import numpy as np

from core.findings import Finding
from core.findings.kinds import REFERENCE_SCALE
from core.recorded import Recorded
from core.stack import Region, Stack

LIMIT = 0.1
"""Relative difference of the scale, and offset relative to the range, above which a reference differs."""

_SMOOTH = 2.0


def find_other_scale(stack: Stack, reference: Stack, region: Region, there: Region) -> Finding | None:
    """Return a finding if a reference has another scale or offset than the stack.

    The first plane of the region is fitted by ``scale * reference + offset``, after a blur of both that
    makes small shifts unimportant. Noise of the stack does not bias this fit.

    Parameters
    ----------
    stack, reference : Stack
        Noisy stack and its reference.
    region, there : tuple of slice
        The region that is compared, in the stack and in the reference.
    """
    from scipy import ndimage

    noisy, clean = (
        Recorded.of(one).measured(_first(part)).astype(np.float64)
        for one, part in ((stack, region), (reference, there))
    )
    noisy, clean = noisy.reshape(noisy.shape[-2:]), clean.reshape(clean.shape[-2:])
    known = np.isfinite(noisy) & np.isfinite(clean)
    if known.mean() < 0.5:
        return None
    x, y = (ndimage.gaussian_filter(np.where(known, p, p[known].mean()), _SMOOTH) for p in (clean, noisy))
    x, y = x[known], y[known]
    span = float(np.ptp(x))
    if span <= 0:
        return None
    scale, offset = (float(v) for v in np.polyfit(x, y, 1))
    if not math.isfinite(scale) or scale <= 0:
        return None
    apart = abs(float(np.mean(y - x))) / span
    if abs(scale - 1) <= LIMIT and apart <= LIMIT:
        return None
    return Finding(kind=REFERENCE_SCALE, value=scale, limit=LIMIT, details={"offset": offset})


def _first(region: Region) -> Region:
    """Return the region of the first plane."""
    return (*(slice(part.start, part.start + 1) for part in region[:-2]), *region[-2:])
