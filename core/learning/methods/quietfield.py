"""The method Quietfield: the network of Instant, fine-tuned on the stack itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from core import params
from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.instant.constants import MEAN
from core.instant.method import MAKITALO_2013, neighbours, quality
from core.learning.architecture import Architecture
from core.learning.base import Learned, Resolved
from core.learning.methods.blind_spot import BlindSpot
from core.learning.papers import GONCHAROVA_2020, KRULL_2019
from core.learning.presets import Preset
from core.methods.base import named
from core.params import param
from core.progress import Context
from core.psf import Psf, gaussian
from core.stack import Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.examples import Examples
    from core.learning.parts.heads import Head
    from core.learning.parts.objectives import Objective
    from core.learning.parts.readouts import Readout
    from core.learning.parts.setup import Setup
    from core.learning.parts.starts import Start

ADAPTING: Mapping[str, Preset] = MappingProxyType(
    {
        "fast": Preset(label="Fast", help="A minute of training."),
        "balanced": Preset(
            label="Balanced", help="Five minutes of training, and the mean over eight orientations.",
            changes={"seconds": 300.0, "quality": "best"},
        ),
        "best": Preset(
            label="Best",
            help="Twenty minutes of training, for large stacks, and the mean over eight orientations.",
            changes={"seconds": 1200.0, "quality": "best"},
        ),
    }
)  # fmt: skip
"""Presets of the method that fine-tunes the network of Instant."""

NARROW = 0.5
"""Sigma of the optional PSF in pixels, narrower than that of most microscopes."""


@named("quietfield", label="Quietfield", group="learned", version=3)
@dataclass(frozen=True, slots=True, kw_only=True)
class Quietfield(BlindSpot):
    """Fine-tune the network of Instant on the stack itself, if this helps.

    Single pixels are hidden and predicted as in Noise2Void (doi:10.1109/CVPR.2019.00223), but are replaced by
    the network's own prediction, so that the network keeps using the centre pixel. The weights kept are
    halfway between those of Instant and the trained ones; if the error at hidden pixels of held-out parts
    does not decrease, those of Instant are kept. If hidden pixels allow it, the last layer is a convolution
    with a narrow PSF, as in Goncharova et al. 2020 (doi:10.1007/978-3-030-66415-2_25). The noise must be
    independent from pixel to pixel.
    """

    presets: ClassVar[Mapping[str, Preset]] = ADAPTING
    citations: ClassVar[tuple[str, ...]] = (KRULL_2019, MAKITALO_2013, GONCHAROVA_2020)

    quality: str = quality(
        "Best trains the larger network of Instant and averages eight orientations: slower and usually "
        "better."
    )
    neighbours: str = neighbours(
        "Automatic uses them if they reduce the error at hidden pixels significantly: not if the planes show "
        "different fields or fast motion.",
        found=True, mean=True,
    )  # fmt: skip
    train: str = param(
        "auto", "Train", advanced=True,
        choices={"auto": "Automatic", "yes": "Always", "no": "Never"},
        help="Correlated noise trains the network to keep noise: by default the network of Instant is not "
        "trained on such stacks.",
    )  # fmt: skip
    psf: str = param(
        "auto", "End in a PSF", advanced=True,
        choices={"auto": "Automatic", "yes": "Always", "no": "Never"},
        help=f"Convolve the output of the network with a Gaussian of sigma {NARROW:g} px. By default this is "
        "done if it hardly increases the error at hidden pixels: not for narrow structures at high photon "
        "counts.",
    )  # fmt: skip

    seconds: float = params.revise(Learned, "seconds", 60.0)
    patch: int = params.revise(Learned, "patch", 96, ge=64)
    batch: int = params.revise(Learned, "batch", 8)
    learning_rate: float = params.revise(Learned, "learning_rate", 3e-4)
    validation_patches: int = params.revise(Learned, "validation_patches", 32)
    warmup: int = params.revise(Learned, "warmup", 50)
    average: float = params.revise(Learned, "average", 0.2)
    box: int = params.revise(BlindSpot, "box", 4)

    # The network exists already, and only a better one replaces it.
    width: int = params.fix(32)
    depth: int = params.fix(5)
    keep: str = params.fix("best")
    reduction: str = params.fix("mean")
    normalise: str = params.fix("channel")
    precision: str = params.fix("float32")
    neighbourhood: int = params.fix(5)
    space: str = params.fix("2D")
    planes: int = params.fix(16)
    z_poolings: str = params.fix("auto")

    def examples(self, setup: Setup) -> Examples:
        """Return patches in photons, with hidden pixels replaced by the network's own prediction."""
        from core.learning.parts.examples import ExpectedPixels

        return ExpectedPixels(setup, box=self.box, neighbourhood=self.neighbourhood)

    def start(self) -> Start:
        """Return the network of Instant as initial network."""
        from core.learning.parts.starts import instant

        return instant(self.architecture().kind, neighbours=bool(self.along))

    def head(self, setup: Setup) -> Head:
        """Return the conversion of the output of the network of Instant to photons."""
        from core.learning.parts.heads import PhotonHead

        return PhotonHead(setup, self.blur)

    def objective(self, setup: Setup) -> Objective:
        """Return the squared error of hidden pixels, in noise standard deviations."""
        from core.learning.parts.objectives import PhotonError

        return PhotonError(setup)

    def readout(self) -> Readout:
        """Return a readout that uses the network like Instant."""
        from core.learning.parts.readouts import AsInstant

        return AsInstant(
            architecture=self.architecture(), along=self.along, sigma=NARROW if self.psf == "yes" else 0.0,
            eightfold=self.quality == "best", still=self.neighbours == MEAN,
        )  # fmt: skip

    def architecture(self) -> Architecture:
        """Return the description of the network."""
        return Architecture(kind="best" if self.quality == "best" else "instant")

    @property
    def blur(self) -> Psf | None:
        """The PSF between network and loss; None for no PSF."""
        return gaussian(NARROW) if self.psf == "yes" else None

    @property
    def idle(self) -> bool:
        """Whether there is nothing to train, because the network of Instant is kept."""
        return self.train == "no"

    @property
    def seen(self) -> str:
        """Neighbours used in training; training is resumed only if they are unchanged."""
        return self.neighbours

    def network_kind(self) -> tuple[object, ...]:
        """Return the properties that must not change; neighbours and PSF may, for all networks of Instant."""
        return type(self), self.architecture()

    def describe_network(self) -> str:
        """Describe the properties that must not change during the training of a network."""
        return self.label

    def training_stack(self, stack: Stack) -> Stack:
        """Return the means of frames if the method denoises them, else the stack."""
        if self.neighbours != MEAN:
            return stack
        from core.instant.mean_of_frames import means  # imports torch, which the first window does not need

        return means(stack)

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with decisions about training, PSF and neighbours, made on hidden pixels."""
        self.look_beside(stack)
        from core.instant.scene import find_motion
        from core.learning import neighbour_trial  # imports torch, which the first window does not need
        from core.noise.survey import Survey

        context.step(0.0, "Measuring the noise")
        Survey.of(stack).noise(context)
        shown = self.training_stack(stack)
        method, findings = self._trained_where_possible(shown)

        if self.psf == "auto" and not method.idle:
            bears = neighbour_trial.bears_convolution(shown, NARROW, context.part(0.1, 0.4))
            method = replace(method, psf="yes" if bears else "no")
        if self.neighbours != "auto":
            moving = find_motion(stack) if self.neighbours == MEAN else None
            findings = (*findings, *self.shared(stack), *([moving] if moving is not None else []))
            return Resolved(method=method, findings=findings)
        along, found = neighbour_trial.neighbours(stack, context.part(0.4, 1.0))
        return Resolved(method=replace(method, neighbours=along), findings=(*findings, *found))

    def _trained_where_possible(self, stack: Stack) -> tuple[Quietfield, tuple[Finding, ...]]:
        if self.train == "no":
            return self, ()
        from core.instant.network import LEAST  # imports torch, which the first window does not need
        from core.learning.obstacles import against_training, examine_channels, noiseless
        from core.learning.training_advice import levels

        idle, (height, width) = replace(self, train="no"), stack.shape[-2:]
        if min(height, width) < LEAST:
            if self.train == "yes":
                raise QuietfieldError(
                    f"The planes of {stack.meta.name} have {width} x {height} pixels; the network of Instant "
                    f"needs at least {LEAST} x {LEAST} to be trained. Set Train to Automatic, choose "
                    "Noise2Void, or use a larger field."
                )
            small = Finding(
                kind=kinds.PLANES_TOO_SMALL, limit=float(LEAST), unit="px",
                details={"name": stack.meta.name, "width": width, "height": height},
            )  # fmt: skip
            return idle, (small,)
        examined = examine_channels(stack)
        silent = noiseless(examined)
        noisy = [noise for at, (_, noise) in enumerate(levels(stack)) if at not in silent]
        correlated = [noise.warning for noise in noisy if noise.warning is not None][:1]
        findings = (*correlated, *against_training(stack, examined))
        if self.train == "yes" or (noisy and not correlated):
            return self, findings
        kind = kinds.CORRELATION_KNOWN if correlated else kinds.NETWORK_UNTRAINED
        return idle, (*findings, Finding(kind=kind))
