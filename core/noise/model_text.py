"""Noise models of the channels of a stack as JSON, in files and in parameters of methods."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from core import __version__, stored
from core.errors import QuietfieldError
from core.files.atomic import Taken, writing
from core.noise.histogram import Histogram
from core.noise.mixture import GaussianMixture
from core.noise.models import NoiseModel, PoissonGaussian, Values
from core.reading import parse_json, read_text

KEY = "quietfield noise model"
SCHEMA = 1
ENDING = ".json"

MOST_CHANNELS, MOST_COMPONENTS, MOST_POWERS, MOST_LEVELS, MOST_CELLS = 256, 32, 16, 4096, 4096
"""Maximum sizes in a file."""

_DIGITS = 6
"""Significant digits of numbers in a file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoiseModels:
    """Noise models of a camera.

    Attributes
    ----------
    channels : tuple of NoiseModel
        One for each channel, or one for all.
    source : str
        How they were made, for users.
    """

    channels: tuple[NoiseModel, ...]
    source: str = ""

    def of(self, channel: int) -> NoiseModel:
        """Return the model of a channel."""
        return self.channels[channel if len(self.channels) > 1 else 0]

    def fitting(self, channels: int, name: str) -> NoiseModels:
        """Return the models, one for each channel of a stack.

        Raises
        ------
        QuietfieldError
            If they are for another number of channels.
        """
        if len(self.channels) not in (1, channels):
            raise QuietfieldError(
                f"The noise model has {len(self.channels)} channels and {name} has {channels}. Make one from "
                "a stack with the same channels."
            )
        return NoiseModels(channels=tuple(map(self.of, range(channels))), source=self.source)


def to_text(models: NoiseModels) -> str:
    """Return noise models as JSON.

    Raises
    ------
    QuietfieldError
        If a model is of a kind from another package.
    """
    channels = []
    for model in models.channels:
        kind = next((kind for kind, (cls, _) in _KINDS.items() if type(model) is cls), None)
        if kind is None:
            raise QuietfieldError(f"A noise model of the type {type(model).__name__} cannot be stored.")
        fields = {name: _plain(getattr(model, name)) for name in type(model).__dataclass_fields__}  # type: ignore[attr-defined]
        channels.append({"kind": kind, **fields})
    whole = {KEY: SCHEMA, "program": __version__, "source": models.source, "channels": channels}
    return json.dumps(whole, allow_nan=False, separators=(",", ":"))


def from_text(text: str, name: str) -> NoiseModels:
    """Return the noise models in JSON.

    Parameters
    ----------
    text : str
        JSON from `to_text`.
    name : str
        Name of the file, for error messages.

    Raises
    ------
    QuietfieldError
        If it is no noise model, is damaged, or was written by a later version.
    """
    try:
        whole = parse_json(text)
        if not isinstance(whole, dict) or KEY not in whole:
            raise QuietfieldError(
                f"{name} is not a noise model of Quietfield. Make one with 'quietfield noise-model'."
            )
        if whole[KEY] != SCHEMA:
            program = stored.text(whole, "program", "unknown")
            raise QuietfieldError(
                f"{name} was written by a later Quietfield ({program}). Update Quietfield to use it."
            )
        channels = whole["channels"]
        if not isinstance(channels, list) or not 0 < len(channels) <= MOST_CHANNELS:
            raise ValueError("it has no channels")
        models = tuple(_KINDS[one["kind"]][1](one) for one in channels)
        return NoiseModels(channels=models, source=str(whole["source"])[:1000])
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise QuietfieldError(
            f"{name} is damaged and contains no usable noise model ({stored.shorten(str(error))}). Use a "
            "copy of it, or make it again."
        ) from error


def save_models(path: Path, models: NoiseModels, taken: Taken = "replace") -> Path:
    """Write noise models to a file, completely or not at all; return its path.

    Raises
    ------
    QuietfieldError
        If the file cannot be written.
    """
    text = to_text(models)
    with writing(path, taken) as draft:
        draft.part.write_text(text, encoding="utf-8")
    return draft.path


def load_models(path: Path) -> NoiseModels:
    """Read noise models from a file.

    Raises
    ------
    QuietfieldError
        If it cannot be read, is no noise model, is damaged, or was written by a later version.
    """
    return from_text(read_text(path), path.name)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | tuple | list):
        return [_plain(one) for one in value]
    return float(f"{float(value):.{_DIGITS}g}")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
        raise ValueError(f"{stored.brief(value)} is no number")
    return float(value)


def _table(value: Any, rows: int, columns: int) -> Values:
    """Return a rectangular table of finite numbers, at most so large."""
    if not 0 < len(value) <= rows or not 0 < len(value[0]) <= columns:
        raise ValueError("a table has the wrong size")
    return np.array([[_number(one) for one in row] for row in value], np.float64)


def _span(value: Any) -> tuple[float, float]:
    low, high = map(_number, value)
    if not low <= high:
        raise ValueError("the range of signals is empty")
    return low, high


def _poisson_gaussian(given: Mapping[str, Any]) -> PoissonGaussian:
    model = PoissonGaussian(**{name: _number(given[name]) for name in ("gain", "constant", "floor")})
    if model.gain < 0 or model.floor < 0 or (model.gain == 0 and max(model.constant, model.floor) <= 0):
        raise ValueError("there is no noise")
    return model


def _mixture(given: Mapping[str, Any]) -> GaussianMixture:
    tables = [_table(given[n], MOST_COMPONENTS, MOST_POWERS) for n in ("logits", "shifts", "variances")]
    least = _number(given["least"])
    if len({len(table) for table in tables}) > 1 or least <= 0:
        raise ValueError("the components do not fit")
    logits, shifts, variances = tables
    return GaussianMixture(
        logits=logits, shifts=shifts, variances=variances, least=least, span=_span(given["span"])
    )


def _histogram(given: Mapping[str, Any]) -> Histogram:
    signal, variances = (_table([given[name]], 1, MOST_LEVELS)[0] for name in ("signal", "variances"))
    density, reach = _table(given["density"], MOST_LEVELS, MOST_CELLS), _number(given["reach"])
    fits = len(signal) == len(variances) == len(density) and math.isfinite(reach) and reach > 0
    if not fits or variances.min() <= 0 or (np.diff(signal) <= 0).any():
        raise ValueError("the levels do not fit")
    if density.min() < 0 or density.sum(1).min() <= 0:
        raise ValueError("a density makes no sense")
    return Histogram(
        signal=signal, variances=variances, density=density, reach=reach, span=_span(given["span"])
    )


_KINDS: Mapping[str, tuple[type, Callable[[Mapping[str, Any]], NoiseModel]]] = MappingProxyType(
    {
        "poisson-gaussian": (PoissonGaussian, _poisson_gaussian),
        "mixture": (GaussianMixture, _mixture),
        "histogram": (Histogram, _histogram),
    }
)
"""Type of each kind, and the function that reads it."""
