"""Point spread functions: values, optics, beads, estimates, files."""

from core.psf.value import Psf, gaussian

__all__ = ["Psf", "gaussian"]
