"""Files of trained networks: safetensors (weights, no code) with a JSON description."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core import catalogue, params
from core.errors import QuietfieldError
from core.files.atomic import Taken, writing
from core.findings.stored import read_finding
from core.learning.base import Learned
from core.learning.data import Normalisation
from core.learning.model import Model, Record
from core.learning.network import blank
from core.model_file import ModelFile
from core.paths import MODEL_ENDING

SCHEMA = 1
KEY = "quietfield"
CURVE_POINTS = 1000
"""Approximate number of points of the loss curve in a file."""

_TENSORS = ("network", "averaged", "best")


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
    content: bytes = save(tensors, {KEY: json.dumps(whole)})
    return content


def room(method: Learned) -> int:
    """Return the approximate size of a resumable file of a network, in bytes."""
    with torch.device("meta"):
        count: int = sum(tensor.numel() for tensor in blank(method.architecture()).state_dict().values())
    return 6 * 4 * count + 2**18  # kept, current, averaged and best weights, and two moments of each


def load_model(path: Path) -> Model:
    """Read a trained network; no code in the file is executed.

    Raises
    ------
    QuietfieldError
        If the file cannot be read, is no network of Quietfield, is damaged, or is too new.
    """
    try:
        with safe_open(str(path), "pt", device="cpu") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is None:
                raise QuietfieldError(
                    f"{path.name} contains tensors, but not a network trained by Quietfield. "
                    f"Choose a {MODEL_ENDING} file."
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise QuietfieldError(f"There is no file {path}.") from None
    except (SafetensorError, OSError) as error:
        raise QuietfieldError(
            f"{path.name} cannot be read as a trained network ({error}). It is damaged, or something else; "
            f"choose a {MODEL_ENDING} file."
        ) from error
    try:
        whole = json.loads(text)
        if whole["schema"] > SCHEMA:
            raise QuietfieldError(
                f"{path.name} was written by a later Quietfield ({whole['program']}). "
                "Update Quietfield to use it."
            )
        try:
            return _model(whole, tensors)
        except QuietfieldError as error:
            raise QuietfieldError(f"{path.name} cannot be used: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        raise QuietfieldError(
            f"{path.name} is damaged ({type(error).__name__}: {error}). Use a copy of it, or train again."
        ) from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _thin(curve: list[Any]) -> list[Any]:
    every = -(-len(curve) // CURVE_POINTS) or 1
    return curve[::every] if every == 1 or (len(curve) - 1) % every == 0 else [*curve[::every], curve[-1]]


def _flatten(state: Mapping[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Move the tensors of a trainer's state to the tensors of the file; return the rest for JSON."""
    for part in _TENSORS:
        for name, tensor in (state[part] or {}).items():
            tensors[f"{part}.{name}"] = tensor.contiguous()
    for index, values in state["optimiser"].items():
        for name, tensor in values.items():
            tensors[f"optimiser.{index}.{name}"] = tensor.contiguous()
    tensors["generator"] = state["generator"]
    rest = {key: value for key, value in state.items() if key not in (*_TENSORS, "optimiser", "generator")}
    return {**rest, "normalisation": dataclasses.asdict(state["normalisation"])}


def _unflatten(rest: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    state: dict[str, Any] = dict(rest)
    for part in _TENSORS:
        state[part] = _prefixed(tensors, part) or None
    optimiser: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _prefixed(tensors, "optimiser").items():
        index, _, key = name.partition(".")
        optimiser.setdefault(int(index), {})[key] = tensor
    state["optimiser"] = optimiser
    state["generator"] = tensors["generator"]
    state["normalisation"] = _normalisation(rest["normalisation"])
    state["curve"] = [(int(step), float(loss), float(val)) for step, loss, val in rest["curve"]]
    return state


def _prefixed(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = prefix + "."
    return {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}


def _normalisation(given: Mapping[str, Any]) -> Normalisation:
    found = Normalisation(
        offset=float(given["offset"]),
        mean=tuple(float(v) for v in given["mean"]),
        std=tuple(float(v) for v in given["std"]),
        fill=float(given["fill"]),
        target_mean=tuple(float(v) for v in given.get("target_mean", ())),
        target_std=tuple(float(v) for v in given.get("target_std", ())),
    )
    pairs = (*found.mean, *found.std, *found.target_mean, *found.target_std)
    if not all(map(math.isfinite, (found.offset, found.fill, *pairs))):
        raise ValueError("the normalisation makes no sense")
    if min((*found.std, *found.target_std), default=0) <= 0:
        raise ValueError("the normalisation makes no sense")
    known = {len(found.target_mean), len(found.target_std)}
    if len(found.mean) != len(found.std) or known not in ({0}, {len(found.mean)}):
        raise ValueError("the normalisation has means and deviations for different numbers of channels")
    return found


def _model(whole: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Model:
    described = whole["method"]
    cls = catalogue.find(str(described["name"]))
    if int(described["version"]) > cls.version:
        raise QuietfieldError(
            f"The network was trained with {cls.label} version {described['version']}; this Quietfield has "
            f"version {cls.version}. Update Quietfield to use it."
        )
    method = params.build(cls, described["params"])
    if not isinstance(method, Learned):
        raise TypeError(f"{cls.label} is no learned method")
    weights = _prefixed(tensors, "weights")
    check_weights(weights, method)
    record = whole["record"]
    return Model(
        method=method,
        weights=weights,
        normalisation=_normalisation(whole["normalisation"]),
        record=Record(
            steps=int(record["steps"]),
            seconds=float(record["seconds"]),
            curve=tuple((int(step), float(loss), float(val)) for step, loss, val in record["curve"]),
            source=dict(record["source"]),
            program=str(record["program"]),
            device=str(record["device"]),
            findings=tuple(read_finding(finding) for finding in record.get("findings", ())),
            note=str(record["note"]),
        ),
        resume=_unflatten(whole["resume"], tensors) if "resume" in whole else None,
    )


def check_weights(weights: Mapping[str, Tensor], method: Learned) -> None:
    """Check that weights have the shapes of a method's network, without creating the network.

    Raises
    ------
    ValueError
        If a tensor is missing, superfluous, of another shape or type, or not finite.
    """
    with torch.device("meta"):
        wanted = blank(method.architecture()).state_dict()
    expected, found = ({n: (t.shape, t.dtype) for n, t in w.items()} for w in (wanted, weights))
    if expected != found:
        raise ValueError("the weights do not fit the network described")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ValueError("some weights are not finite")
