"""Kinds of findings about point spread functions, with their messages."""

from __future__ import annotations

from core.findings.finding import Kind, Level

PSF_NONE = Kind(
    code="psf-none", level=Level.HINT,
    words="The PSF has a sigma of 0 px, so nothing is deconvolved: the method is Noise2Void. Set sigma to "
    "the width of the PSF.",
)  # fmt: skip
PSF_PLANE = Kind(
    code="psf-plane", level=Level.NOTE,
    words="The network is for single planes: of the three-dimensional PSF, the plane in focus is used, and "
    "light from other planes stays where it is. A network for volumes uses the whole PSF, but learns several "
    "times more slowly.",
)  # fmt: skip
PSF_FLAT = Kind(
    code="psf-flat", level=Level.HINT,
    words="The PSF has no width along Z, so that blur along Z stays in the deconvolved volume. Give it one, "
    "as in gaussian:x=1.2,y=1.2,z=2, or compute it from the optics with the Z step.",
)  # fmt: skip
PSF_UNDERSAMPLED = Kind(
    code="psf-undersampled", level=Level.CAUTION,
    words="The PSF is only {value:.2g} {unit} wide (FWHM along {axis}); below {limit:g} {unit} the image is "
    "undersampled, and details finer than its pixels cannot be recovered.",
)  # fmt: skip
PSF_UNSURE = Kind(
    code="psf-unsure", level=Level.CAUTION,
    words="The estimated PSF (sigma {sigma:.3g} px) is not reliable: twice its width predicts hidden pixels "
    "nearly as well (loss higher by {value:.2g}; {limit:g} or more where details are as fine as the PSF). It "
    "may be several times too wide. Take the PSF from optics or beads.",
)  # fmt: skip
