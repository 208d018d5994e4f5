"""DivNoising: a generative model of images without noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from core import params
from core.learning.architecture import Architecture
from core.learning.base import Learned, Resolved
from core.learning.noise_knowledge import is_content, noise_model, read_models
from core.learning.papers import PRAKASH_2021, PRAKASH_2022
from core.learning.presets import Preset
from core.methods.base import named
from core.methods.outputs import DENOISED, DEVIATION, SAMPLES, Output
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

SAMPLING: Mapping[str, Preset] = MappingProxyType(
    {
        "fast": Preset(label="Fast", help="Two minutes of training, and 16 samples."),
        "balanced": Preset(
            label="Balanced", help="Five minutes of training, and 32 samples.",
            changes={"seconds": 300.0, "samples": 32},
        ),
        "best": Preset(
            label="Best", help="Twenty minutes of training of a wider network, and 100 samples.",
            changes={"seconds": 1200.0, "samples": 100, "width": 64},
        ),
    }
)  # fmt: skip
"""Presets of DivNoising."""


@named("divnoising", label="DivNoising", group="learned", version=2)
@dataclass(frozen=True, slots=True, kw_only=True)
class DivNoising(Learned):
    """Draw many possible images that explain the noisy one, and return their mean.

    Prakash et al. 2021 (arXiv:2006.06072): a variational autoencoder is trained on the noisy stack, with a
    noise model as likelihood. With several levels of latent variables it is hierarchical, as in Prakash et
    al. 2022 (arXiv:2104.01374). Where the samples differ, the data do not determine the image. The encoder
    begins with the network of Instant; the mean of the samples is used as far as that lowers the estimated
    error of its result. The noise must be independent from pixel to pixel. The results are the mean of all
    samples, their standard deviation, and single samples.
    """

    presets: ClassVar[Mapping[str, Preset]] = SAMPLING
    citations: ClassVar[tuple[str, ...]] = (PRAKASH_2021, PRAKASH_2022)
    possible: ClassVar[tuple[Output, ...]] = (DENOISED, DEVIATION, *SAMPLES)

    noise_model: str = noise_model()
    samples: int = param(
        16, "Samples", ge=2, le=1000, step=2, by_preset=True,
        help="Number of possible images whose mean and standard deviation are computed; rounded up to an "
        "even number.",
    )  # fmt: skip
    shown: int = param(
        4, "Samples shown", ge=0, le=len(SAMPLES), step=1,
        help="Number of single samples among the results. Step through them in the list of results to see "
        "what is uncertain. The seed selects others.",
    )  # fmt: skip
    rise: float = param(
        0.05, "Annealing", ge=0.0, le=1.0, step=0.05, advanced=True,
        help="Fraction of the training during which the weight of the divergence of latent variables from "
        "their prior rises from 0 to 1.",
    )  # fmt: skip

    width: int = params.revise(Learned, "width", 32)
    depth: int = params.revise(
        Learned, "depth", 3, label="Levels", ge=1, le=4,
        help="Number of resolutions with latent variables below the full one; 1 as in DivNoising.",
    )  # fmt: skip
    patch: int = params.revise(Learned, "patch", 64, ge=64)
    batch: int = params.revise(Learned, "batch", 8)
    # a faster one moves the network away from the result of Instant before it knows the images
    learning_rate: float = params.revise(Learned, "learning_rate", 5e-4)
    average: float = params.revise(Learned, "average", 0.1)

    reduction: str = params.fix("mean")
    normalise: str = params.fix("channel")
    precision: str = params.fix("float32")

    def __post_init__(self) -> None:
        # super() without arguments does not work in a dataclass with slots
        Learned.__post_init__(self)
        if is_content(self.noise_model):
            read_models(self.noise_model)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Mean, deviation, and the single samples that are shown."""
        return self.possible[: 2 + self.shown]

    @property
    def drawn(self) -> int:
        """Number of samples: an even number."""
        return self.samples + self.samples % 2

    def examples(self, setup: Setup) -> Examples:
        """Return patches with random numbers for the latent variables."""
        from core.learning.parts.noise import contrast
        from core.learning.parts.noise_examples import SampledImages

        return SampledImages(
            setup, normalisation=contrast(setup.stack), planes=self.depth + 1, rise=self.rise
        )

    def start(self) -> Start:
        """Return a new network, whose encoder begins with that of Instant."""
        from core.learning.parts.starts import variational

        return variational(self.architecture(), self.seed)

    def head(self, setup: Setup) -> Head:
        """Return the conversion of decoded images to signals."""
        from core.learning.parts.noise import contrast, known_noise
        from core.learning.parts.variational import SampleHead

        known = known_noise(self.noise_model, setup)
        return SampleHead(known.stabilisers, known.lifts, contrast(setup.stack), setup.device)

    def objective(self, setup: Setup) -> Objective:
        """Return the negative evidence lower bound."""
        from core.learning.parts.likelihoods import Likelihood
        from core.learning.parts.noise import contrast, known_noise
        from core.learning.parts.variational import EvidenceBound

        known = known_noise(self.noise_model, setup)
        return EvidenceBound(Likelihood(known.models, contrast(setup.stack), setup.device))

    def readout(self) -> Readout:
        """Return a readout of mean, deviation and single samples."""
        from core.learning.parts.readouts import Possible

        return Possible(
            architecture=self.architecture(), noise_model=self.noise_model,
            samples=self.drawn, shown=self.shown, seed=self.seed,
        )  # fmt: skip

    def architecture(self) -> Architecture:
        """Return the description of the network."""
        return Architecture(kind="instant", width=self.width, depth=self.depth, variational=True)

    def resolve(self, stack: Stack, context: Context) -> Resolved:
        """Return the method with its noise model, and findings about reasons against it."""
        context.step(0.0, "Measuring the noise")
        from core.learning.independent_noise import check_planes, findings
        from core.learning.noise_knowledge import resolve_models

        check_planes(self.label, stack)
        found = findings(stack, context)
        return Resolved(
            method=replace(self, noise_model=resolve_models(self.noise_model, stack, context)), findings=found
        )
