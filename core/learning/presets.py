"""Presets: named values of the parameters that determine the amount of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core.params import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Parameter values for a purpose.

    Attributes
    ----------
    label, help : str
        Texts of the form.
    changes : dict of str to value
        Parameters whose values differ from the defaults of the method.
    """

    label: str
    help: str
    changes: Mapping[str, Value] = field(default_factory=dict)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "fast": Preset(
            label="Fast",
            help="A good result in two minutes on two CPU cores: a network with a quarter of the width.",
        ),
        "balanced": Preset(
            label="Balanced",
            help="At most 15 minutes on a laptop: a network with half of the width, and larger batches.",
            changes={"width": 32, "batch": 4, "seconds": 900.0, "epoch": 100, "validation_patches": 32},
        ),
        "best": Preset(
            label="Best",
            help="The full network and a long training; intended for a GPU, and slow without one.",
            changes={
                "width": 64, "patch": 96, "batch": 32, "learning_rate": 1e-3, "steps": 20000, "seconds": 0.0,
                "epoch": 200, "warmup": 200, "validation_patches": 64,
            },
        ),
    }
)  # fmt: skip
"""Presets of all methods that train a new network."""
