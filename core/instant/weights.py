"""Files of the networks of Instant: safetensors in half precision, with training metadata."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.errors import QuietfieldError
from core.files.atomic import writing
from core.instant.network import SHAPES, InstantNetwork, Shape
from resources import FOLDER

WEIGHTS = FOLDER / "weights"
"""Folder of the networks that ship."""

KEY = "quietfield-instant"
SCHEMA = 2


def file_of(name: str, folder: Path = WEIGHTS) -> Path:
    """Return the file of the network of a quality, by default of the one that ships."""
    return folder / f"{name}.safetensors"


def save_network(path: Path, weights: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a network in half precision, completely or not at all.

    Parameters
    ----------
    path : Path
        File to write.
    weights : dict of str to Tensor
        State of the network.
    record : dict
        Training metadata for JSON, with "widths" and "depths".
    """
    halves = {name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in weights.items()}
    content = save(halves, {KEY: json.dumps({"schema": SCHEMA, **record})})
    with writing(path) as draft:
        draft.part.write_bytes(content)


def load_network(path: Path) -> tuple[InstantNetwork, dict[str, Any]]:
    """Read a network for the CPU, and its training metadata.

    Parameters
    ----------
    path : Path
        File of the network.

    Raises
    ------
    QuietfieldError
        If the file is missing or is no such network.
    """
    try:
        with safe_open(str(path), "pt", device="cpu") as file:
            record: dict[str, Any] = json.loads((file.metadata() or {})[KEY])
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        if record["schema"] != SCHEMA:
            raise ValueError(f"schema {record['schema']}")
        network = InstantNetwork(Shape(tuple(record["widths"]), tuple(record["depths"])))
        network.load_state_dict(weights)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise QuietfieldError(
            f"The network of Instant in {path} cannot be used ({type(error).__name__}: {error}). "
            "Install Quietfield again."
        ) from error
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last), record  # type: ignore[call-overload]


_reading = threading.Lock()
_known: dict[Path, InstantNetwork] = {}


def shipped_network(name: str, folder: Path = WEIGHTS) -> InstantNetwork:
    """Return a network that ships; it is read once per process.

    All callers share it: copy it before changing, training or moving it to another device.

    Raises
    ------
    QuietfieldError
        If the file is missing or is no such network.
    """
    path = file_of(name, folder)
    with _reading:
        if path not in _known:
            _known[path] = load_network(path)[0]
        return _known[path]


def shipped(quality: str, folder: Path = WEIGHTS) -> tuple[InstantNetwork, ...]:
    """Return the networks that a quality averages: the small one, and both for the best quality."""
    names = SHAPES if quality == "best" else ("instant",)
    return tuple(shipped_network(name, folder) for name in names)
