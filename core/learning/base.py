"""Shared parameters of all learned methods, and their parts.

This module does not import torch, so that forms and lists of methods appear immediately.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core import params
from core.errors import QuietfieldError
from core.findings import Finding
from core.instant.constants import MEAN, OFFSETS
from core.learning.architecture import DEPTHS, Architecture
from core.learning.presets import PRESETS, Preset
from core.methods.base import Method, Operation
from core.methods.outputs import DENOISED, Output
from core.params import Value, param
from core.progress import Context
from core.psf import Psf
from core.psf.request import brief
from core.stack import Stack

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.examples import Examples
    from core.learning.parts.heads import Head
    from core.learning.parts.objectives import Objective
    from core.learning.parts.readouts import Readout
    from core.learning.parts.setup import Setup
    from core.learning.parts.starts import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned(Method):
    """A network trained on a stack: parameters shared by all learned methods."""

    possible: ClassVar[tuple[Output, ...]] = (DENOISED,)
    presets: ClassVar[Mapping[str, Preset]] = PRESETS
    """Presets by name; parameters that a preset does not name have their defaults."""
    default_preset: ClassVar[str] = "fast"
    needs_target: ClassVar[bool] = False
    """Whether the method also needs a clean stack."""

    seconds: float = param(
        120.0, "Time limit", unit="s", ge=0.0, le=1e7, step=30.0, by_preset=True,
        help="Training ends after this time or after all steps, whichever comes first; 0 for no limit. "
        "Only a training limited by steps is exactly reproducible.",
    )  # fmt: skip
    steps: int = param(
        12000, "Steps", ge=0, le=10_000_000, step=100, by_preset=True,
        help="Number of updates of the network; 0 for no limit of steps.",
    )  # fmt: skip
    width: int = param(
        16, "Width", unit="channels", ge=4, le=256, step=16, by_preset=True,
        help="Channels of the network's first level; the number doubles at every level. "
        "Twice the width takes about four times as long.",
    )  # fmt: skip
    depth: int = param(
        3, "Depth", unit="levels", ge=DEPTHS[0], le=DEPTHS[1], step=1, by_preset=True,
        help="Levels of the network; each level doubles the receptive field.",
    )  # fmt: skip
    patch: int = param(
        64, "Patch side", unit="px", ge=16, le=1024, step=16, by_preset=True,
        help="Side of the square training patches; smaller if the stack is smaller.",
    )  # fmt: skip
    batch: int = param(
        2, "Patches per step", ge=1, le=1024, step=1, by_preset=True,
        help="Number of patches for one update of the network.",
    )  # fmt: skip
    learning_rate: float = param(
        2e-3, "Learning rate", gt=0.0, le=1.0, step=1e-4, by_preset=True, help="Size of an update (Adam)."
    )
    seed: int = param(0, "Seed", ge=0, le=2**31 - 1, step=1, help="Same seed and same stack: same network.")
    validation: float = param(
        0.1, "Held out", ge=0.0, le=0.5, step=0.05, advanced=True, by_preset=True,
        help="Fraction of the stack that is held out for validation: its last frames, or the last rows "
        "of a single frame.",
    )  # fmt: skip
    validation_patches: int = param(
        16, "Validation patches", ge=1, le=4096, step=1, advanced=True, by_preset=True,
        help="Number of held-out patches for the validation loss; they are always the same.",
    )  # fmt: skip
    epoch: int = param(
        50, "Steps per epoch", ge=1, le=100_000, step=10, advanced=True, by_preset=True,
        help="Number of updates between two validations.",
    )  # fmt: skip
    schedule: str = param(
        "cosine", "Learning rate schedule", advanced=True, by_preset=True,
        choices={
            "cosine": "Cosine to zero", "plateau": "Reduce on plateau", "constant": "Constant",
        },
    )  # fmt: skip
    warmup: int = param(
        20, "Warm-up", unit="steps", ge=0, le=100_000, step=10, advanced=True, by_preset=True,
        help="The learning rate increases linearly during these first steps.",
    )  # fmt: skip
    patience: int = param(
        10, "Patience", unit="epochs", ge=0, le=10_000, step=1, advanced=True, by_preset=True,
        help="Number of epochs without a better validation loss before the learning rate is reduced.",
    )  # fmt: skip
    factor: float = param(
        0.5, "Reduction factor", gt=0.0, le=0.99, step=0.1, advanced=True, by_preset=True,
        help="Factor of the learning rate on a plateau of the validation loss.",
    )  # fmt: skip
    average: float = param(
        0.1, "Weight averaging", ge=0.0, le=1.0, step=0.05, advanced=True, by_preset=True,
        help="Weights are averaged over about this fraction of the training so far; 0 for no averaging.",
    )  # fmt: skip
    keep: str = param(
        "average", "Network kept", advanced=True, by_preset=True,
        choices={"average": "Averaged weights", "best": "Best validation loss", "last": "Last step"},
    )  # fmt: skip
    augment: str = param(
        "eight", "Orientations", advanced=True, by_preset=True,
        choices={
            "none": "Unchanged", "rotations": "Four rotations", "eight": "Four rotations and reflections",
        },
    )  # fmt: skip
    reduction: str = param(
        "mean", "Gradient of a step", advanced=True, by_preset=True,
        choices={"mean": "Mean over the patches", "sum": "Sum over the patches"},
    )  # fmt: skip
    normalise: str = param(
        "channel", "Mean and deviation", advanced=True, by_preset=True,
        choices={"channel": "Of each channel", "global": "One pair for the stack"},
    )  # fmt: skip
    precision: str = param(
        "auto", "Precision", advanced=True, by_preset=True,
        choices={"auto": "bfloat16 if it is faster", "float32": "float32", "bfloat16": "bfloat16"},
    )  # fmt: skip

    def bind(self, stack: Stack, context: Context) -> Operation:  # noqa: ARG002
        """Raise `QuietfieldError`: only a trained network can be bound; see `core.learning.model.Model`."""
        raise QuietfieldError(f"{self.label} has to be trained first.")

    def __post_init__(self) -> None:
        params.validate(self)
        if self.steps == 0 and self.seconds == 0:
            raise QuietfieldError(
                "Steps and time limit are both 0, so training would never end. Set one of them."
            )

    @classmethod
    def preset_values(cls, name: str) -> dict[str, Value]:
        """Return all values that a preset sets.

        Raises
        ------
        QuietfieldError
            If there is no preset with this name.
        """
        if name not in cls.presets:
            raise QuietfieldError(params.unknown("preset", name, cls.presets))
        named = set().union(*(preset.changes for preset in cls.presets.values()))
        known = [p for p in params.describe(cls) if p.by_preset or p.name in named]
        return {p.name: cls.presets[name].changes.get(p.name, p.default) for p in known}

    @classmethod
    def in_brief(cls, given: Mapping[str, Value]) -> str:
        """Return a short description that distinguishes networks: PSF first, then limits of the training."""
        words = []
        if given.get("psf") and "sigma" in given:
            words.append(brief(str(given["psf"])))
        elif "sigma" in given:
            words.append(f"sigma {given['sigma']:g} px")
        if given.get("space") == "3D":
            words.append("volumes")
        beside = given.get("neighbours", "none")
        if beside not in ("none", "auto"):
            words.append("mean of frames" if beside == MEAN else f"neighbours {beside}")
        if "line" in given:
            words.append(f"line {given['line']}")
        if given.get("positivity"):
            words.append(f"positivity {given['positivity']:g}")
        if given.get("seconds"):
            words.append(f"{given['seconds']:g} s")
        elif "steps" in given:
            words.append(f"{given['steps']} steps")
        return ", ".join(words)

    # ------------------------------------------------------------------ parts

    def examples(self, setup: Setup) -> Examples:
        """Return the training examples: input and target of the network."""
        raise NotImplementedError

    def start(self) -> Start:
        """Return the initial network."""
        from core.learning.parts.starts import fresh

        return fresh(self.architecture(), self.seed)

    def head(self, setup: Setup) -> Head:
        """Return the conversion of the network's output to images."""
        from core.learning.parts.heads import ImageHead

        return ImageHead(setup, self.blur)

    def objective(self, setup: Setup) -> Objective:  # noqa: ARG002
        """Return the quantity that training minimises."""
        from core.learning.parts.objectives import PixelError

        return PixelError()

    def readout(self) -> Readout:
        """Return the computation of a prediction from the trained network."""
        from core.learning.parts.readouts import Denoised

        return Denoised(architecture=self.architecture(), along=self.along)

    def architecture(self) -> Architecture:
        """Return the description of the network."""
        inputs = 1 + len(OFFSETS) if self.along else 1
        return Architecture(width=self.width, depth=self.depth, inputs=inputs)

    # ------------------------------------------------------------------ properties

    @property
    def along(self) -> str:
        """Axis of the neighbouring planes or frames of the network; "" for none."""
        return ""

    @property
    def blur(self) -> Psf | None:
        """The PSF between network and loss; None for no PSF."""
        return None

    @property
    def drawn(self) -> int:
        """Number of possible images that a trained network draws; 0 for methods with one result."""
        return 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to train, because the initial network is kept."""
        return False

    @property
    def seen(self) -> str:
        """Additional input besides single planes; training is resumed only if it is unchanged."""
        return self.along

    def patch_planes(self, stack: Stack) -> int:  # noqa: ARG002
        """Return the number of planes of a training patch; 0 for a network for single planes."""
        return 0

    def continuing(self, other: Learned) -> Learned:  # noqa: ARG002
        """Return the method with the properties of a trained network that is to be trained further."""
        return self

    def training_stack(self, stack: Stack) -> Stack:
        """Return the stack that is used for training; in most methods the given one."""
        return stack

    def resolve(self, stack: Stack, context: Context) -> Resolved:  # noqa: ARG002
        """Return the method with all stack-dependent decisions.

        Parameters
        ----------
        stack : Stack
            Training stack.
        context : Context
            Progress and cancellation.

        Raises
        ------
        QuietfieldError
            If the method cannot be trained on this stack.
        """
        return Resolved(method=self)

    def beyond(self, steps: int, seconds: float) -> Learned:
        """Return the method with raised limits, if a training of this length has reached them.

        A limit is raised to its next multiple: 6000 steps to 12000 after 6000 to 11999.
        """
        changed: dict[str, Value] = {}
        if self.steps and steps >= self.steps:
            changed["steps"] = self.steps * (steps // self.steps + 1)
        if self.seconds and seconds >= self.seconds:
            changed["seconds"] = self.seconds * (seconds // self.seconds + 1)
        return params.build(type(self), {**params.values(self), **changed})

    def same_network(self, other: Learned) -> bool:
        """Return whether this method can continue the training of a network trained with `other`."""
        return self.network_kind() == other.network_kind()

    def network_kind(self) -> tuple[object, ...]:
        """Return the properties that must not change during the training of a network."""
        return type(self), self.architecture(), self.blur, self.along

    def describe_network(self) -> str:
        """Describe the properties that must not change during the training of a network."""
        words = [f"width {self.width}", f"depth {self.depth}"]
        if self.blur is not None:
            words.append("PSF " + self.blur.brief.removeprefix("PSF ").removeprefix("sigma "))
        words += ["for volumes"] if self.architecture().space == "3D" else []
        words += [f"neighbours {self.along}"] if self.along else []
        return f"{self.label} ({', '.join(words)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A method with all stack-dependent decisions.

    Attributes
    ----------
    method : Learned
        Method for training.
    findings : tuple of Finding
        Findings about the stack.
    """

    method: Learned
    findings: tuple[Finding, ...] = ()
