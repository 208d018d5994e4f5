"""Whether an estimated point spread function can be relied upon."""

from __future__ import annotations

from core.findings import Finding, psf_kinds
from core.psf.value import Psf

RISE = 0.02
"""Smallest loss of hidden pixels at twice the estimated width, above that at the estimate, of a reliable
estimate. At 30 photons it is 0.018 to 0.19 on strokes, filaments, fibres, tubules, vesicles and tissue, where
the estimate is right within 20 %; 0.0004 to 0.015 on nuclei, cells, shapes and electron micrographs, where it
is 0.5 to 2.3 times too wide. Bacteria and dendrites (0.01, right within 12 %) are warned of too.
"""


def unsure_finding(psf: Psf) -> Finding | None:
    """Return a finding about a PSF that was estimated from too few fine details; None for others."""
    rise = psf.facts.get("rise")
    if psf.source != "estimate" or not isinstance(rise, float) or not rise < RISE:
        return None
    details = {"sigma": psf.sigmas[-1] if psf.sigmas else 0.0}
    return Finding(kind=psf_kinds.PSF_UNSURE, value=rise, limit=RISE, details=details)
