"""The learned methods as data: parameters, presets, and the places in which they differ.

Nothing here needs torch, so that forms and lists of methods appear at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from core import params
from core.errors import QuietfieldError
from core.methods.base import Method, register
from core.params import Value, param

KRULL_2019 = (
    "Krull A, Buchholz T-O, Jug F. Noise2Void: learning denoising from single noisy images. IEEE/CVF "
    "Conference on Computer Vision and Pattern Recognition (CVPR), 2019. doi:10.1109/CVPR.2019.00223"
)
GONCHAROVA_2020 = (
    "Goncharova AS, Honigmann A, Jug F, Krull A. Improving blind spot denoising for microscopy. European "
    "Conference on Computer Vision (ECCV) Workshops, 2020. doi:10.1007/978-3-030-66415-2_25"
)

DEPTHS = (2, 5)
"""Least and greatest number of levels of a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Named values for the parameters that decide how much work training is.

    Attributes
    ----------
    label, help : str
        Words for the form.
    values : dict of str to value
        The parameters it sets; all others stay as they are.
    """

    label: str
    help: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """Where one learned method differs from another.

    Attributes
    ----------
    training_sigma : float
        Standard deviation in pixels of the PSF between network and loss; 0 for none.
    prediction_sigma : float
        The same between network and denoised image.
    positivity : float
        Weight of the penalty on negative values of the network's output.
    offset : float or None
        Camera offset in counts, subtracted before anything else; None to estimate it.
    deconvolved : bool
        Whether the network's output before the PSF is a result of its own.
    """

    training_sigma: float = 0.0
    prediction_sigma: float = 0.0
    positivity: float = 0.0
    offset: float | None = 0.0
    deconvolved: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what a trained network gives."""
        return ("denoised", "deconvolved") if self.deconvolved else ("denoised",)


FAST: Mapping[str, Value] = MappingProxyType(
    {
        "width": 16, "depth": 3, "patch": 64, "batch": 2, "box": 3, "neighbourhood": 5, "learning_rate": 2e-3,
        "schedule": "cosine", "patience": 10, "factor": 0.5, "warmup": 20, "steps": 12000, "seconds": 120.0,
        "epoch": 50, "validation": 0.1, "validation_patches": 16, "average": 0.1, "keep": "average",
        "augment": "eight", "reduction": "mean", "normalise": "channel", "precision": "auto",
    }
)  # fmt: skip
BALANCED: Mapping[str, Value] = MappingProxyType(
    {
        **FAST, "width": 32, "batch": 4, "steps": 12000, "seconds": 900.0, "epoch": 100,
        "validation_patches": 32,
    }
)  # fmt: skip
BEST: Mapping[str, Value] = MappingProxyType(
    {
        **FAST, "width": 64, "patch": 96, "batch": 32, "learning_rate": 1e-3, "steps": 20000, "seconds": 0.0,
        "epoch": 200, "warmup": 200, "validation_patches": 64,
    }
)  # fmt: skip
PUBLISHED: Mapping[str, Value] = MappingProxyType(
    {
        "width": 64, "depth": 3, "patch": 100, "batch": 20, "box": 6, "neighbourhood": 5,
        "learning_rate": 1e-3, "schedule": "plateau", "patience": 10, "factor": 0.5, "warmup": 0,
        "steps": 2000, "seconds": 0.0, "epoch": 10, "validation": 0.3, "validation_patches": 20,
        "average": 0.0, "keep": "best", "augment": "rotations", "reduction": "sum",
        "normalise": "global", "precision": "float32",
    }
)  # fmt: skip
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "fast": Preset(
            label="Fast", values=FAST,
            help="A good result in two minutes on two processor cores: a network a quarter as wide.",
        ),
        "balanced": Preset(
            label="Balanced", values=BALANCED,
            help="A quarter of an hour at most on a laptop: a network half as wide, and larger batches.",
        ),
        "best": Preset(
            label="Best", values=BEST,
            help="The full network and a long training; meant for a graphics card, and slow without one.",
        ),
        "deconoising-2020": Preset(
            label="DecoNoising 2020", values=PUBLISHED,
            help="The schedule of Goncharova et al. 2020 exactly, for comparison with published figures; "
            "hours without a graphics card.",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned(Method):
    """A network trained on the noisy stack itself, to predict pixels it was not shown."""

    presets: ClassVar[Mapping[str, Preset]] = PRESETS
    default_preset: ClassVar[str] = "fast"

    seconds: float = param(
        120.0, "Time limit", unit="s", ge=0.0, le=1e7, step=30.0,
        help="Training ends after this time or after all steps, whichever comes first; 0 for no limit. "
        "A run that ends by time cannot be repeated bit for bit.",
    )  # fmt: skip
    steps: int = param(
        12000, "Steps", ge=0, le=10_000_000, step=100, help="Updates of the network; 0 for no limit but time."
    )
    width: int = param(
        16, "Width", unit="channels", ge=4, le=256, step=16,
        help="Channels of the network's first level; every level below has twice as many. "
        "Twice the width takes about four times as long.",
    )  # fmt: skip
    depth: int = param(
        3, "Depth", unit="levels", ge=DEPTHS[0], le=DEPTHS[1], step=1,
        help="Levels of the network; each one more lets it see twice as far.",
    )  # fmt: skip
    patch: int = param(
        64, "Patch side", unit="px", ge=16, le=1024, step=16,
        help="Training looks at square pieces of this size; smaller where the stack is smaller.",
    )  # fmt: skip
    batch: int = param(
        2, "Patches a step", ge=1, le=1024, step=1, help="Patches that one update is made from."
    )
    learning_rate: float = param(
        2e-3, "Learning rate", gt=0.0, le=1.0, step=1e-4, help="Size of an update (Adam)."
    )
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help="Same seed, same stack: same network.")
    validation: float = param(
        0.1, "Held out", ge=0.0, le=0.5, step=0.05, advanced=True,
        help="Share of the stack, its last frames, that is not trained on but watched; "
        "of a single frame, its last rows.",
    )  # fmt: skip
    validation_patches: int = param(
        16, "Validation patches", ge=1, le=4096, step=1, advanced=True,
        help="Patches that the validation error is computed on, always the same ones.",
    )  # fmt: skip
    epoch: int = param(
        50, "Steps an epoch", ge=1, le=100_000, step=10, advanced=True,
        help="Updates between two looks at the validation error.",
    )  # fmt: skip
    box: int = param(
        3, "Masking box side", unit="px", ge=2, le=64, step=1, advanced=True,
        help="One pixel in every box of this side is hidden from the network, and predicted.",
    )  # fmt: skip
    neighbourhood: int = param(
        5, "Neighbourhood side", unit="px", ge=3, le=31, step=2, odd=True, advanced=True,
        help="A hidden pixel shows the value of another pixel from this neighbourhood.",
    )  # fmt: skip
    schedule: str = param(
        "cosine", "Learning rate schedule", advanced=True,
        choices={
            "cosine": "Cosine to zero", "plateau": "Lowered when validation stalls", "constant": "Constant",
        },
    )  # fmt: skip
    warmup: int = param(
        20, "Warm-up", unit="steps", ge=0, le=100_000, step=10, advanced=True,
        help="The learning rate rises in a straight line over these first steps.",
    )  # fmt: skip
    patience: int = param(
        10, "Patience", unit="epochs", ge=0, le=10_000, step=1, advanced=True,
        help="Epochs without a better validation error before the learning rate is lowered.",
    )  # fmt: skip
    factor: float = param(
        0.5, "Lowering factor", gt=0.0, le=0.99, step=0.1, advanced=True,
        help="What the learning rate is multiplied by when validation stalls.",
    )  # fmt: skip
    average: float = param(
        0.1, "Weight averaging", ge=0.0, le=1.0, step=0.05, advanced=True,
        help="Weights are averaged over about this share of the training so far; 0 for no average.",
    )  # fmt: skip
    keep: str = param(
        "average", "Network kept", advanced=True,
        choices={"average": "Averaged weights", "best": "Best validation error", "last": "Last step"},
    )  # fmt: skip
    augment: str = param(
        "eight", "Orientations", advanced=True,
        choices={
            "none": "As it is", "rotations": "Four rotations", "eight": "Four rotations, mirrored or not",
        },
    )  # fmt: skip
    reduction: str = param(
        "mean", "Gradient of a step", advanced=True,
        choices={"mean": "Mean over the patches", "sum": "Sum over the patches"},
    )  # fmt: skip
    normalise: str = param(
        "channel", "Mean and deviation", advanced=True,
        choices={"channel": "Of each channel", "global": "One pair for the stack"},
    )  # fmt: skip
    precision: str = param(
        "auto", "Precision", advanced=True,
        choices={"auto": "bfloat16 where it is faster", "float32": "float32", "bfloat16": "bfloat16"},
    )  # fmt: skip

    def __post_init__(self) -> None:
        params.validate(self)
        if self.steps == 0 and self.seconds == 0:
            raise QuietfieldError(
                "Steps and time limit are both 0, so training would never end. Set one of them."
            )

    @classmethod
    def in_brief(cls, given: Mapping[str, Value]) -> str:
        """Tell one network from another: its PSF first, then what ended its training."""
        words = []
        if "sigma" in given:
            words.append(f"sigma {given['sigma']:g} px")
        if given.get("positivity"):
            words.append(f"positivity {given['positivity']:g}")
        if given.get("seconds"):
            words.append(f"{given['seconds']:g} s")
        elif "steps" in given:
            words.append(f"{given['steps']} steps")
        return ", ".join(words)

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy()

    def beyond(self, steps: int, seconds: float) -> Learned:
        """Same method with its limits raised, where a training of that length has reached them.

        A limit is raised to its next multiple: 6000 steps to 12000 after 6000 to 11999.
        """
        changed: dict[str, Value] = {}
        if self.steps and steps >= self.steps:
            changed["steps"] = self.steps * (steps // self.steps + 1)
        if self.seconds and seconds >= self.seconds:
            changed["seconds"] = self.seconds * (seconds // self.seconds + 1)
        return params.build(type(self), {**params.values(self), **changed})

    def same_network(self, other: Learned) -> bool:
        """Whether a network trained with `other` can be trained on with this method."""

        def kind(method: Learned) -> tuple[object, ...]:
            return type(method), method.width, method.depth, method.strategy().training_sigma

        return kind(self) == kind(other)


def preset(method: type[Learned], name: str) -> Preset:
    """Preset of a method by name.

    Raises
    ------
    QuietfieldError
        If there is none of that name.
    """
    try:
        return method.presets[name]
    except KeyError:
        raise QuietfieldError(params.unknown("preset", name, method.presets)) from None


@register("n2v", label="Noise2Void", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2Void(Learned):
    """Predict every pixel from its surroundings with a network trained on the noisy stack alone.

    Krull, Buchholz, Jug 2019 (doi:10.1109/CVPR.2019.00223). The noise must be independent from
    pixel to pixel.
    """

    citations: ClassVar[tuple[str, ...]] = (KRULL_2019,)


@register("n2v-conv", label="N2V conv.", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Noise2VoidConvolved(Learned):
    """Noise2Void whose result is convolved with a PSF, to show what mere smoothing gains.

    A control of Goncharova et al. 2020 (doi:10.1007/978-3-030-66415-2_25).
    """

    citations: ClassVar[tuple[str, ...]] = (GONCHAROVA_2020, KRULL_2019)

    sigma: float = param(
        1.0, "PSF sigma", short="sigma", unit="px", ge=0.0, le=10.0, step=0.1,
        help="Standard deviation of the Gaussian that the result is convolved with.",
    )  # fmt: skip

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(prediction_sigma=self.sigma)


@register("deconoising", label="DecoNoising", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class DecoNoising(Learned):
    """Predict a sharp image which, convolved with the PSF, explains the noisy pixels.

    Goncharova, Honigmann, Jug, Krull 2020 (doi:10.1007/978-3-030-66415-2_25): Noise2Void with the
    microscope's blur between network and loss. Gives a denoised and a deconvolved image.
    """

    citations: ClassVar[tuple[str, ...]] = (GONCHAROVA_2020, KRULL_2019)

    sigma: float = param(
        1.0, "PSF sigma", short="sigma", unit="px", ge=0.0, le=10.0, step=0.1,
        help="Standard deviation of the Gaussian that the microscope blurs a point to.",
    )  # fmt: skip
    positivity: float = param(
        0.0, "Positivity", ge=0.0, le=1000.0, step=0.1,
        help="Weight of the penalty on negative values in the deconvolved image; 1 is 'ours+' of the paper, "
        "0 is 'ours'. Needs the camera offset.",
    )  # fmt: skip
    estimate_offset: bool = param(
        True, "Estimate camera offset",
        help="Take the darkest places of the stack as the camera offset instead of the number below.",
    )  # fmt: skip
    offset: float = param(
        0.0, "Camera offset", unit="counts", ge=-1e9, le=1e9, step=1.0,
        help="What the camera gives without light; subtracted first and added to the results again.",
    )  # fmt: skip

    def strategy(self) -> Strategy:
        """In what this method differs from the others."""
        return Strategy(
            training_sigma=self.sigma,
            prediction_sigma=self.sigma,
            positivity=self.positivity,
            offset=None if self.estimate_offset else self.offset,
            deconvolved=True,
        )
