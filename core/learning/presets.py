"""Presets: named values for the parameters that decide how much work a training is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.params import Value


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
"""Presets of methods that hide pixels."""

ADAPTING: Mapping[str, Preset] = MappingProxyType(
    {
        name: Preset(
            label=label, help=help,
            values=MappingProxyType(
                {
                    "seconds": seconds, "quality": quality, "steps": 12000, "patch": 96, "batch": 8, "box": 4,
                    "learning_rate": 3e-4, "schedule": "cosine", "patience": 10, "factor": 0.5, "warmup": 50,
                    "epoch": 50, "validation": 0.1, "validation_patches": 32, "average": 0.2,
                    "augment": "eight",
                }
            ),
        )
        for name, label, seconds, quality, help in (
            ("fast", "Fast", 60.0, "instant", "A minute of training."),
            (
                "balanced", "Balanced", 300.0, "best",
                "Five minutes of training, and the mean over eight orientations.",
            ),
            (
                "best", "Best", 1200.0, "best",
                "Twenty minutes of training, for large stacks, and the mean over eight orientations.",
            ),
        )
    }
)  # fmt: skip
"""Presets of the method that trains the network of Instant on."""

MASKING = ("box", "neighbourhood")
"""Parameters that only methods that hide pixels have."""

PAIRED: Mapping[str, Preset] = MappingProxyType(
    {
        name: Preset(
            label=preset.label, help=preset.help,
            values=MappingProxyType({k: v for k, v in preset.values.items() if k not in MASKING}),
        )
        for name, preset in PRESETS.items()
        if name != "deconoising-2020"
    }
)  # fmt: skip
"""Presets of methods that learn from pairs of images, and hide nothing."""
