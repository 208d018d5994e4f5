"""Presets: named values for the parameters that decide how much work a training is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core.params import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Values that suit a purpose.

    Attributes
    ----------
    label, help : str
        Words for the form.
    changes : dict of str to value
        Parameters whose value differs from the default of the method.
    """

    label: str
    help: str
    changes: Mapping[str, Value] = field(default_factory=dict)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "fast": Preset(
            label="Fast",
            help="A good result in two minutes on two processor cores: a network a quarter as wide.",
        ),
        "balanced": Preset(
            label="Balanced",
            help="A quarter of an hour at most on a laptop: a network half as wide, and larger batches.",
            changes={"width": 32, "batch": 4, "seconds": 900.0, "epoch": 100, "validation_patches": 32},
        ),
        "best": Preset(
            label="Best",
            help="The full network and a long training; meant for a graphics card, and slow without one.",
            changes={
                "width": 64, "patch": 96, "batch": 32, "learning_rate": 1e-3, "steps": 20000, "seconds": 0.0,
                "epoch": 200, "warmup": 200, "validation_patches": 64,
            },
        ),
    }
)  # fmt: skip
"""Presets of every method that trains a new network."""

BLIND_SPOT: Mapping[str, Preset] = MappingProxyType(
    {
        **PRESETS,
        "deconoising-2020": Preset(
            label="DecoNoising 2020",
            help="The schedule of Goncharova et al. 2020 exactly, for comparison with published figures; "
            "hours without a graphics card.",
            changes={
                "width": 64, "patch": 100, "batch": 20, "box": 6, "learning_rate": 1e-3,
                "schedule": "plateau", "warmup": 0, "steps": 2000, "seconds": 0.0, "epoch": 10,
                "validation": 0.3, "validation_patches": 20, "average": 0.0, "keep": "best",
                "augment": "rotations", "reduction": "sum", "normalise": "global", "precision": "float32",
            },
        ),
    }
)  # fmt: skip
"""Presets of methods that hide pixels."""

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
"""Presets of the method that trains the network of Instant further."""
