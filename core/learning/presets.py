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
