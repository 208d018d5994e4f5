"""Probabilistic Noise2Void."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from core import params
from core.instant.method import quality
from core.learning.architecture import Architecture
from core.learning.base import Learned, Resolved
from core.learning.methods.blind_spot import BlindSpot
from core.learning.noise_knowledge import is_content, noise_model, read_models
from core.learning.papers import KRULL_2020, LAINE_2019, PRAKASH_2020
from core.learning.presets import Preset
from core.methods.base import named
from core.methods.outputs import DENOISED, EXPECTED_ERROR, PRIOR, Output
from core.params import param
from core.progress import Context
from core.stack import Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.examples import Examples
    from core.learning.parts.heads import Head
    from core.learning.parts.objectives import Objective
    from core.learning.parts.readouts import Readout
    from core.learning.parts.setup import Setup
    from core.learning.parts.starts import Start

PRIORS: Mapping[str, Preset] = MappingProxyType(
    {
        "fast": Preset(label="Fast", help="A minute of training."),
        "balanced": Preset(
            label="Balanced", help="Five minutes of training.", changes={"seconds": 300.0}
        ),
        "best": Preset(
            label="Best", help="Twenty minutes of training of the larger network, with more samples.",
            changes={"seconds": 1200.0, "quality": "best", "samples": 200},
        ),
        "gaussian": Preset(
            label="Gaussian prior", help="Half a minute of training, with predicted mean and variance.",
            changes={"seconds": 30.0, "prior": "gaussian"},
        ),
    }
)  # fmt: skip
"""Presets of PN2V."""


@named("pn2v", label="PN2V", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilisticNoise2Void(BlindSpot):
    """Predict the distribution of every pixel from its surroundings, and combine it with its own value.

    Krull et al. 2020 (doi:10.3389/fcomp.2020.00005), Prakash et al. 2020
    (doi:10.1109/ISBI45749.2020.9098612). The network is trained on hidden pixels and predicts samples of
    their possible signals (the prior). A noise model weights them by the likelihood of the recorded value;
    the weighted mean (the posterior) has the smallest expected error. A Gaussian prior with predicted mean
    and variance is faster. Training starts with the network of Instant. The noise must be independent from
    pixel to pixel. The results are the denoised image, the prior mean and the expected error.
    """

    presets: ClassVar[Mapping[str, Preset]] = PRIORS
    citations: ClassVar[tuple[str, ...]] = (KRULL_2020, PRAKASH_2020, LAINE_2019)
    possible: ClassVar[tuple[Output, ...]] = (DENOISED, PRIOR, EXPECTED_ERROR)

    noise_model: str = noise_model()
    prior: str = param(
        "samples", "Prior", choices={"samples": "Samples", "gaussian": "Gaussian"},
        help="What the network predicts of a hidden pixel: samples of its signal, as in PN2V, or mean and "
        "variance, which is faster.",
    )  # fmt: skip
    samples: int = param(
        100, "Samples", ge=10, le=1000, step=10, help="Number of samples of the prior of every pixel."
    )
    quality: str = quality("Best trains the larger network of Instant: slower and usually better.")

    seconds: float = params.revise(Learned, "seconds", 60.0)
    patch: int = params.revise(Learned, "patch", 96, ge=64)
    batch: int = params.revise(Learned, "batch", 8)
    learning_rate: float = params.revise(Learned, "learning_rate", 3e-4)
    validation_patches: int = params.revise(Learned, "validation_patches", 32)
    warmup: int = params.revise(Learned, "warmup", 50)
    average: float = params.revise(Learned, "average", 0.2)
    box: int = params.revise(BlindSpot, "box", 4)

    # the network exists already, and prediction hides pixels one by one
    neighbours: str = params.fix("none")
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

    def __post_init__(self) -> None:
        # super() without arguments does not work in a dataclass with slots
        BlindSpot.__post_init__(self)
        if is_content(self.noise_model):
            read_models(self.noise_model)

    def examples(self, setup: Setup) -> Examples:
        """Return patches in photons, with hidden pixels replaced by the mean of their neighbours."""
        from core.learning.parts.noise import known_noise
        from core.learning.parts.noise_examples import BlindPixels

        return BlindPixels(setup, box=self.box, normalisation=known_noise(self.noise_model, setup).units)

    def start(self) -> Start:
        """Return the network of Instant, which also predicts its error, as initial network."""
        from core.learning.parts.starts import prior

        return prior(self.architecture().kind, self.architecture().samples)

    def head(self, setup: Setup) -> Head:
        """Return the conversion of the output of the network to priors in photons."""
        from core.learning.parts.noise import known_noise
        from core.learning.parts.priors import PriorHead

        known = known_noise(self.noise_model, setup)
        return PriorHead(known.photons, samples=self.prior == "samples")

    def objective(self, setup: Setup) -> Objective:
        """Return the negative log-likelihood of hidden pixels."""
        from core.learning.parts.noise import known_noise
        from core.learning.parts.priors import PriorLikelihood

        return PriorLikelihood(known_noise(self.noise_model, setup).likelihood)

    def readout(self) -> Readout:
        """Return a readout of posterior, prior and expected error."""
        from core.learning.parts.readouts import Posterior

        return Posterior(architecture=self.architecture(), noise_model=self.noise_model)

    def architecture(self) -> Architecture:
        """Return the description of the network."""
        samples = self.samples if self.prior == "samples" else 0
        return Architecture(kind="best" if self.quality == "best" else "instant", samples=samples)

    def describe_network(self) -> str:
        """Describe the properties that must not change during the training of a network."""
        prior = f"{self.samples} samples" if self.prior == "samples" else "Gaussian prior"
        return f"{self.label} ({self.quality}, {prior})"

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with its noise model, and findings about reasons against it."""
        context.step(0.0, "Measuring the noise")
        from core.learning.independent_noise import check_planes, findings
        from core.learning.noise_knowledge import resolve_models

        check_planes(self.label, stack)
        found = findings(stack, context)
        models = resolve_models(self.noise_model, stack, context)
        return Resolved(method=replace(self, noise_model=models), findings=found)
