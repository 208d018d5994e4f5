"""Files of trained networks: safetensors (weights, no code) with a JSON description."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core import memory, params
from core.errors import QuietfieldError
from core.files.atomic import Taken, writing
from core.learning.base import Learned
from core.learning.model import Model
from core.learning.network import described
from core.model_file import ModelFile
from core.model_reading import (
    SCHEMA,
    STATE_PARTS,
    Form,
    check_forms,
    check_values,
    full_state,
    read_description,
    weights_of,
)
from core.paths import MODEL_ENDING
from core.reading import check_regular

KEY = "quietfield"
CURVE_POINTS = 1000
"""Approximate number of points of the loss curve in a file."""


def save_model(path: Path, model: Model, *, resumable: bool = True, taken: Taken = "replace") -> ModelFile:
    """Write a trained network to a file, completely or not at all.

    Parameters
    ----------
    path : Path
        File to write; by convention it ends in ``.quietfield``.
    model : Model
        Network.
    resumable : bool
        Whether to include the state for resuming, which makes the file about four times as large.
    taken : {"refuse", "replace", "rename"}
        What to do if the file exists.

    Returns
    -------
    ModelFile
        Name and SHA-256 of the file, for recipes.

    Raises
    ------
    QuietfieldError
        If the file cannot be written.
    """
    content = encode(model, resumable=resumable)
    with writing(path, taken) as draft:
        draft.part.write_bytes(content)
    return ModelFile(file=draft.path.name, sha256=hashlib.sha256(content).hexdigest())


def encode(model: Model, *, resumable: bool = True) -> bytes:
    """Return the content of the file of a trained network; see `save_model`."""
    tensors = {f"weights.{name}": tensor.contiguous() for name, tensor in model.weights.items()}
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "program": model.record.program,
        "architecture": dataclasses.asdict(model.method.architecture()),
        "method": {
            "name": model.method.name, "version": model.method.version, "params": params.values(model.method),
        },
        "normalisation": dataclasses.asdict(model.normalisation),
        "record": {
            **dataclasses.asdict(replace(model.record, findings=())),
            "curve": _thin(list(model.record.curve)),
            "findings": [finding.to_dict() for finding in model.record.findings],
        },
    }  # fmt: skip
    if resumable and model.resume is not None:
        whole["resume"] = _flatten(model.resume, tensors)
    if not memory.fits(3 * sum(tensor.nbytes for tensor in tensors.values()), "cpu"):
        raise QuietfieldError(f"There is not enough memory to write the network. {memory.ADVICE}")
    content: bytes = save(tensors, {KEY: json.dumps(whole)})
    return content


def room(method: Learned) -> int:
    """Return the approximate size of a resumable file of a network, in bytes."""
    tensors = described(method.architecture()).state_dict().values()
    count: int = sum(tensor.numel() for tensor in tensors)
    return 6 * 4 * count + 2**18  # kept, current, averaged and best weights, and two moments of each


def load_model(path: Path) -> Model:
    """Read a trained network; no code in the file is executed.

    Types and shapes of all tensors are checked before any is read.

    Raises
    ------
    QuietfieldError
        If the file cannot be read, is no network of Quietfield, is damaged, or is too new.
    """
    try:
        check_regular(path)
        with safe_open(str(path), "pt", device="cpu") as file:
            return _load(path, file)
    except FileNotFoundError:
        raise QuietfieldError(f"There is no file {path}.") from None
    except (SafetensorError, OSError, UnicodeError) as error:
        raise QuietfieldError(
            f"{path.name} cannot be read as a trained network ({error}). It is damaged, or something else; "
            f"choose a {MODEL_ENDING} file."
        ) from error


def _load(path: Path, file: Any) -> Model:
    text = (file.metadata() or {}).get(KEY)
    if text is None:
        raise QuietfieldError(
            f"{path.name} contains tensors, but not a network trained by Quietfield. "
            f"Choose a {MODEL_ENDING} file."
        )
    try:
        found = read_description(text)
        forms = {name: _form(file.get_slice(name)) for name in file.keys()}  # noqa: SIM118
        used = check_forms(forms, found.method, resumable=found.state is not None)
        tensors = {name: file.get_tensor(name) for name in used}
        check_values(tensors)
        return Model(
            method=found.method, weights=weights_of(tensors), normalisation=found.normalisation,
            record=found.record, resume=None if found.state is None else full_state(found.state, tensors),
        )  # fmt: skip
    except QuietfieldError as error:
        raise QuietfieldError(f"{path.name} cannot be used: {error}") from error
    except ValueError as error:
        raise QuietfieldError(
            f"{path.name} is damaged ({error}). Use a copy of it, or train again."
        ) from error


def _form(tensor: Any) -> Form:
    return str(tensor.get_dtype()), tuple(tensor.get_shape())


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _thin(curve: list[Any]) -> list[Any]:
    every = -(-len(curve) // CURVE_POINTS) or 1
    return curve[::every] if every == 1 or (len(curve) - 1) % every == 0 else [*curve[::every], curve[-1]]


def _flatten(state: Mapping[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Move the tensors of a trainer's state to the tensors of the file; return the rest for JSON."""
    for part in STATE_PARTS:
        for name, tensor in (state[part] or {}).items():
            tensors[f"{part}.{name}"] = tensor.contiguous()
    for index, values in state["optimiser"].items():
        for name, tensor in values.items():
            tensors[f"optimiser.{index}.{name}"] = tensor.contiguous()
    tensors["generator"] = state["generator"]
    rest = {key: value for key, value in state.items() if key not in (*STATE_PARTS, "optimiser", "generator")}
    return {**rest, "normalisation": dataclasses.asdict(state["normalisation"])}
