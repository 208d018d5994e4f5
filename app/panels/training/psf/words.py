"""Sentences about a point spread function."""

from __future__ import annotations

from collections.abc import Mapping

from core.psf import Psf
from core.psf.doubt import unsure_finding
from core.psf.value import NYQUIST


def title(psf: Psf) -> str:
    """Return kind and source of a PSF, such as "Gaussian, sigma 1 px" or "From 12 beads"."""
    if psf.source == "gaussian":
        return f"Gaussian, {psf.brief}"
    if psf.source == "beads":
        return f"From {psf.facts.get('beads', 0):.0f} beads"
    if psf.source == "estimate":
        return f"Estimated from the data, {psf.brief}"
    if psf.source == "optics":
        kind = str(psf.facts.get("kind", ""))
        return f"From optics ({kind})" if kind else "From optics"
    return "From a file"


def widths(psf: Psf, spacing: Mapping[str, float]) -> str:
    """Return the FWHM along every axis in pixels, and in micrometres if the pixel size is known.

    Parameters
    ----------
    psf : Psf
        PSF.
    spacing : dict of str to float
        Pixel size of the stack in micrometres, for a PSF without one of its own.
    """
    steps = {**spacing, **psf.spacing}
    if len(psf.axes) == 2 and abs(psf.fwhm["X"] - psf.fwhm["Y"]) < 0.005 * psf.fwhm["X"]:
        shown = [("", "X")]
    else:
        shown = [(f"{axis} ", axis) for axis in psf.axes[::-1]]
    each = []
    for label, axis in shown:
        words = f"{label}{psf.fwhm[axis]:.3g} px"
        if steps.get(axis):
            words += f" ({psf.fwhm[axis] * steps[axis]:.3g} µm)"
        each.append(words.replace(" ", "\u00a0"))  # lines are wrapped between axes only
    return f"FWHM {', '.join(each)}"


def doubts(psf: Psf) -> str:
    """Return why an estimated PSF is not reliable; "" for others."""
    unsure = unsure_finding(psf)
    return f"⚠ {unsure.text}" if unsure is not None else ""


def sampling(psf: Psf) -> str:
    """Return a sentence about axes along which a PSF is undersampled; "" if there are none."""
    if not psf.undersampled:
        return ""
    axes = " and ".join(psf.undersampled[::-1])
    return (
        f"⚠ Undersampled along {axes}: the PSF is narrower than {NYQUIST:g} px, and details finer than the "
        "pixels cannot be recovered."
    )
