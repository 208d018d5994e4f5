"""Methods that end in the point spread function of the microscope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from core.errors import QuietfieldError
from core.findings import Finding, Proposal, psf_kinds
from core.learning.base import Learned, Resolved
from core.learning.methods.blind_spot import BlindSpot
from core.learning.volumetric import LEAST_PLANES
from core.params import param
from core.progress import Context
from core.psf import Psf, gaussian
from core.psf.doubt import unsure_finding
from core.psf.request import HELP, brief, known_psf, parse, resolve
from core.stack import Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.setup import Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class Blurred(BlindSpot):
    """A method with a PSF: a Gaussian of `sigma`, or the one that the text `psf` asks for."""

    sigma: float = param(
        1.0, "PSF sigma", short="sigma", unit="px", ge=0.0, le=10.0, step=0.1,
        help="Standard deviation of the point spread function of the microscope.",
    )  # fmt: skip
    psf: str = param(
        "", "PSF", words=brief,
        help=f"Point spread function, instead of the Gaussian of the sigma above: {HELP}. In a trained "
        "network, it contains all pixels of the PSF.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        # super() without arguments does not work in a dataclass with slots
        BlindSpot.__post_init__(self)
        if self.psf:
            parse(self.psf)

    @property
    def spread(self) -> Psf | None:
        """The point spread function; None without one.

        Raises
        ------
        QuietfieldError
            If it depends on a stack, and has not been resolved yet.
        """
        if not self.psf:
            return gaussian(self.sigma) if self.sigma else None
        known = known_psf(self.psf)
        if known is None:
            raise QuietfieldError(f"The PSF {self.psf!r} depends on the stack; train the network first.")
        return known

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with all pixels of its PSF, and findings about it."""
        resolved = BlindSpot.resolve(self, stack, context)
        method = cast(Blurred, resolved.method)
        if self.psf:
            method = replace(method, psf=resolve(self.psf, stack, context.part(0.5, 1.0)).text)
        return Resolved(method=method, findings=(*resolved.findings, *method.psf_findings(stack)))

    def psf_findings(self, stack: Stack) -> tuple[Finding, ...]:
        """Return findings about the PSF of a training on a stack."""
        psf = self.spread
        if psf is None:
            return (Finding(kind=psf_kinds.PSF_NONE),)
        found = []
        if self.space == "2D" and psf.kernel.ndim == 3:
            deep = stack.sizes.get("Z", 1) >= LEAST_PLANES
            proposal = Proposal(label="Train for volumes", params={"space": "3D"}) if deep else None
            found.append(Finding(kind=psf_kinds.PSF_PLANE, proposal=proposal))
        if self.space == "3D" and psf.kernel.ndim == 2:
            found.append(Finding(kind=psf_kinds.PSF_FLAT))
        narrow = [axis for axis in psf.plane.undersampled if psf.source != "gaussian"]
        if narrow:
            axis = min(narrow, key=lambda axis: psf.fwhm[axis])
            details, kind = {"axis": axis}, psf_kinds.PSF_UNDERSAMPLED
            found.append(Finding(kind=kind, value=psf.fwhm[axis], limit=2.0, unit="px", details=details))
        unsure = unsure_finding(psf)
        return tuple(found) if unsure is None else (*found, unsure)

    def oriented(self, setup: Setup) -> Setup:
        """Return settings that keep only the orientations of patches in which the PSF stays the same."""
        from core.learning.sampling import ORIENTATIONS

        psf, wanted = self.spread, ORIENTATIONS[setup.augment]
        if psf is not None and self.space == "2D":
            psf = psf.plane
        kept = tuple(one for one in wanted if psf is None or psf.unchanged(one))
        name = next((name for name, known in ORIENTATIONS.items() if known == kept), "none")
        return replace(setup, augment=name)

    def same_network(self, other: Learned) -> bool:
        """Return whether this method can continue the training of a network trained with `other`."""
        if isinstance(other, Blurred) and self.psf and self.psf != other.psf:
            theirs = known_psf(other.psf) if other.psf else None
            if theirs is not None and theirs.request == self.psf.strip():
                return BlindSpot.same_network(replace(self, psf=other.psf), other)
            if known_psf(self.psf) is None:
                return False
        return BlindSpot.same_network(self, other)

    def describe_network(self) -> str:
        """Describe the properties that must not change during the training of a network."""
        if self.psf and known_psf(self.psf) is None:
            words = [f"width {self.width}", f"depth {self.depth}", f"PSF {self.psf}"]
            return f"{self.label} ({', '.join(words)})"
        return BlindSpot.describe_network(self)
