"""Reads the description of a trained network from its file, and checks every value of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core import catalogue, params, stored
from core.errors import QuietfieldError
from core.findings.stored import read_finding
from core.learning.base import Learned
from core.learning.data import Normalisation
from core.learning.model import Record
from core.learning.network import described
from core.reading import parse_json

SCHEMA = 1
MOST_DESCRIPTION = 32 * 2**20
"""Maximum length of the description in characters; most of it are the losses of a long training."""

MOST_POINTS = 1_000_000
"""Maximum number of points of the loss curve, which has one for each epoch."""

MOST_FINDINGS = 1000
MOST_NOTE = 200_000
"""Maximum number of findings, and of characters in their messages together."""

LARGEST, SMALLEST = 3e38, 1.2e-38
"""Largest and smallest positive values of normalisations, which float32 can represent."""

STATE_PARTS = ("network", "averaged", "best")
"""Sets of weights in the state for resuming."""

_TYPES = {torch.float32: "F32", torch.float16: "F16", torch.float64: "F64", torch.int64: "I64"}
Form = tuple[str, tuple[int, ...]]
"""Type and shape of a tensor in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Description of a trained network.

    Attributes
    ----------
    method : Learned
        Method and parameters of the training.
    normalisation : Normalisation
        Normalisation of the pixels.
    record : Record
        Description of the training.
    state : dict or None
        State for resuming, without its tensors.
    """

    method: Learned
    normalisation: Normalisation
    record: Record
    state: Mapping[str, Any] | None


def read_description(text: str) -> Description:
    """Return the description of a network from JSON.

    Raises
    ------
    ValueError
        If it describes no network.
    QuietfieldError
        If this Quietfield lacks its method, or a parameter is not allowed.
    """
    whole = stored.mapping(parse_json(text, most=MOST_DESCRIPTION), "the description")
    if stored.whole(whole, "schema", low=1) > SCHEMA:
        program = stored.text(whole, "program", "unknown")
        raise QuietfieldError(
            f"It was written by a later Quietfield ({program}). Update Quietfield to use it."
        )
    method = _method(stored.mapping(stored.entry(whole, "method"), "method"))
    _check_architecture(whole, method)
    return Description(
        method=method,
        normalisation=_normalisation(whole),
        record=_record(stored.mapping(stored.entry(whole, "record"), "record")),
        state=_state(stored.mapping(whole["resume"], "resume")) if "resume" in whole else None,
    )


def _method(given: Mapping[str, Any]) -> Learned:
    cls = catalogue.find(stored.text(given, "name"))
    version = stored.whole(given, "version", low=1)
    if version > cls.version:
        raise QuietfieldError(
            f"The network was trained with {cls.label} version {version}; this Quietfield has version "
            f"{cls.version}. Update Quietfield to use it."
        )
    method = params.build(cls, stored.mapping(stored.entry(given, "params"), "params"))
    if not isinstance(method, Learned):
        raise ValueError(f"{cls.label} is no learned method")
    return method


def _check_architecture(whole: Mapping[str, Any], method: Learned) -> None:
    """Check that the network is the one that the parameters of its method describe."""
    known = dataclasses.asdict(method.architecture())
    told = stored.mapping(whole.get("architecture", {}), "architecture")
    for name, value in told.items():
        if name in known and value != known[name]:
            raise ValueError(
                f"the weights do not fit the network described: {name} is {stored.brief(value)} in one place "
                f"and {known[name]!r} in the other"
            )


def _normalisation(given: Mapping[str, Any]) -> Normalisation:
    try:
        return _read_normalisation(stored.mapping(stored.entry(given, "normalisation"), "normalisation"))
    except ValueError as error:
        raise ValueError(f"the normalisation makes no sense: {error}") from error


def _read_normalisation(found: Mapping[str, Any]) -> Normalisation:
    def level(value: object, name: str) -> float:
        return stored.finite(value, name, low=-LARGEST, high=LARGEST)

    def levels(name: str, smallest: float = -LARGEST) -> tuple[float, ...]:
        listed = stored.items({name: found.get(name, [])}, name, stored.MOST_CHARACTERS)
        return tuple(stored.finite(value, name, low=smallest, high=LARGEST) for value in listed)

    norm = Normalisation(
        offset=level(stored.entry(found, "offset"), "offset"),
        mean=levels("mean"),
        std=levels("std", SMALLEST),
        fill=level(stored.entry(found, "fill"), "fill"),
        target_mean=levels("target_mean"),
        target_std=levels("target_std", SMALLEST),
    )
    target = {len(norm.target_mean), len(norm.target_std)}
    if not norm.mean or len(norm.mean) != len(norm.std) or target not in ({0}, {len(norm.mean)}):
        raise ValueError("means and deviations are those of different numbers of channels")
    return norm


def _record(given: Mapping[str, Any]) -> Record:
    findings = stored.items({"findings": [], **given}, "findings", MOST_FINDINGS)
    return Record(
        steps=stored.whole(given, "steps"),
        seconds=stored.number(given, "seconds", low=0),
        curve=_curve(given),
        source=dict(stored.mapping(stored.entry(given, "source"), "source")),
        program=stored.text(given, "program"),
        device=stored.text(given, "device"),
        findings=tuple(read_finding(finding) for finding in findings),
        note=stored.text(given, "note", most=MOST_NOTE),
    )


def _curve(given: Mapping[str, Any]) -> tuple[tuple[int, float, float], ...]:
    found = []
    for point in stored.items(given, "curve", MOST_POINTS):
        if not isinstance(point, list) or len(point) != 3:
            raise ValueError(
                f"a point of the curve is {stored.brief(point)} instead of a step and two losses"
            )
        step = stored.whole({"step of the curve": point[0]}, "step of the curve")
        found.append((step, stored.real(point[1], "loss"), stored.real(point[2], "loss")))
    return tuple(found)


def _state(given: Mapping[str, Any]) -> dict[str, Any]:
    rate = stored.mapping(stored.entry(given, "rate"), "rate")
    validation = stored.entry(given, "validation")
    half = stored.entry(given, "half")
    if not isinstance(half, bool):
        raise ValueError(f"half is {stored.brief(half)} instead of true or false")
    losses = stored.items(given, "epoch_loss", MOST_POINTS)
    return {
        "step": stored.whole(given, "step"),
        "seconds": stored.number(given, "seconds", low=0),
        "curve": list(_curve(given)),
        "epoch_loss": [stored.real(loss, "epoch_loss") for loss in losses],
        "validation": None if validation is None else stored.real(validation, "validation"),
        "half": half,
        "best_validation": stored.real(stored.entry(given, "best_validation"), "best_validation"),
        "best_step": stored.whole(given, "best_step", 0),
        "rate": {
            "lowered": stored.number(rate, "lowered", low=0, high=1),
            "best": stored.real(stored.entry(rate, "best"), "best"),
            "bad": stored.whole(rate, "bad"),
        },
        "restarts": stored.whole(given, "restarts", 0),
        "places": [_place(place) for place in stored.items(given, "places", MOST_POINTS)],
        "normalisation": _normalisation(given),
        "source": dict(stored.mapping(stored.entry(given, "source"), "source")),
        "asked": dict(stored.mapping(given.get("asked", {}), "asked")),
    }


def _place(given: object) -> tuple[int, ...]:
    if not isinstance(given, list) or len(given) != 3:
        raise ValueError(f"a place is {stored.brief(given)} instead of plane, row and column")
    return tuple(stored.whole({"place": value}, "place") for value in given)


def check_forms(found: Mapping[str, Form], method: Learned, *, resumable: bool) -> list[str]:
    """Check types and shapes of the tensors of a file before any is read; return the names of those used.

    Parameters
    ----------
    found : dict of str to (str, tuple of int)
        Type and shape of each tensor in the file.
    method : Learned
        Method, whose network has these tensors.
    resumable : bool
        Whether the state for resuming belongs to the file.

    Raises
    ------
    ValueError
        If a tensor is missing, superfluous, or of another type or shape.
    """
    network = described(method.architecture())
    wanted = {name: _form(tensor) for name, tensor in network.state_dict().items()}
    parts = ("weights", *STATE_PARTS) if resumable else ("weights",)
    used = []
    for part in parts:
        have = dict(_prefixed(found, part))
        if have != wanted and not (part == "best" and not have):
            raise ValueError("the weights do not fit the network described")
        used += [f"{part}.{name}" for name in have]
    if resumable:
        used += _check_moments(found, [_form(tensor) for tensor in network.parameters()])
        if found.get("generator") != ("U8", tuple(torch.Generator().get_state().shape)):
            raise ValueError("the state of the random numbers is missing or damaged")
        used.append("generator")
    return used


def _check_moments(found: Mapping[str, Form], parameters: list[Form]) -> list[str]:
    """Check the state of the optimiser: for each parameter the number of steps and two moments, or none."""
    used = []
    for name, form in _prefixed(found, "optimiser"):
        number, _, key = name.partition(".")
        index = int(number) if number.isdecimal() and len(number) < 6 else len(parameters)
        wanted: dict[str, Form] = {"step": ("F32", ())}
        if index < len(parameters):
            wanted |= dict.fromkeys(("exp_avg", "exp_avg_sq"), parameters[index])
        if index >= len(parameters) or form != wanted.get(key):
            raise ValueError("the state of the optimiser does not fit the network described")
        used.append(f"optimiser.{name}")
    if any(f"optimiser.{name.split('.')[1]}.{key}" not in used for name in used for key in wanted):
        raise ValueError("the state of the optimiser is incomplete")
    return used


def _form(tensor: Tensor) -> Form:
    return _TYPES.get(tensor.dtype, str(tensor.dtype)), tuple(tensor.shape)


def _prefixed(tensors: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    start = prefix + "."
    return ((name[len(start) :], value) for name, value in tensors.items() if name.startswith(start))


def check_values(tensors: Mapping[str, Tensor]) -> None:
    """Check that all numbers in tensors are finite; ValueError names the first tensor in which one is not."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"the tensor {stored.brief(name)} contains values that are not finite")


def weights_of(tensors: Mapping[str, Tensor], part: str = "weights") -> dict[str, Tensor]:
    """Return the tensors of a set of weights by their names in the network."""
    return dict(_prefixed(tensors, part))


def full_state(state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the state of a trainer, with its tensors.

    Raises
    ------
    ValueError
        If the state of the random numbers is damaged.
    """
    found: dict[str, Any] = dict(state)
    for part in STATE_PARTS:
        found[part] = weights_of(tensors, part) or None
    optimiser: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _prefixed(tensors, "optimiser"):
        index, _, key = name.partition(".")
        optimiser.setdefault(int(index), {})[key] = tensor
    try:
        torch.Generator().set_state(tensors["generator"])
    except RuntimeError as error:
        raise ValueError(f"the state of the random numbers is damaged: {error}") from error
    return {**found, "optimiser": optimiser, "generator": tensors["generator"]}
