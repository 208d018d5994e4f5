"""Processing steps, and recipes: steps as JSON that can be run on other stacks."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import __version__, catalogue, params, stored
from core.errors import QuietfieldError
from core.learning.base import Learned
from core.methods.base import Bindable, Method
from core.methods.outputs import RESULT, Output, position
from core.model_file import FindModel, ModelFile
from core.params import Value
from core.reading import parse_json

SCHEMA = 1
MOST_STEPS = 250
"""Maximum number of steps of a recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One processing step of a stack.

    Attributes
    ----------
    method : str
        Name of the method; for a network, of the method it was trained with.
    version : int
        Version of the method's arithmetic.
    params : dict
        All parameters, including defaults.
    model : ModelFile or None
        Trained network, for a learned method.
    output : str
        Name of the output of the method that is used.
    """

    method: str
    version: int
    params: Mapping[str, Value]
    model: ModelFile | None = None
    output: str = RESULT.name

    @classmethod
    def of(cls, method: Method, model: ModelFile | None = None, output: Output | None = None) -> Step:
        """Return the step of a method with its parameters and one of its outputs, by default the first."""
        given, kept = params.values(method), output or method.outputs[0]
        return cls(method=method.name, version=method.version, params=given, model=model, output=kept.name)

    def to_dict(self) -> dict[str, Any]:
        """Return the step as a dictionary for JSON."""
        model = {"model": dataclasses.asdict(self.model)} if self.model else {}
        return {
            "method": self.method, "version": self.version, "params": dict(self.params), **model,
            "output": self.output,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Step:
        """Return the step that a dictionary from JSON describes; `check` tells whether it can be run.

        Raises
        ------
        ValueError
            If it does not describe a step.
        """
        given = stored.mapping(given, "the step")
        model = given.get("model")
        return cls(
            method=stored.text(given, "method"),
            version=stored.whole(given, "version", low=1),
            params=_values(stored.mapping(stored.entry(given, "params"), "params")),
            model=ModelFile.from_dict(stored.mapping(model, "model")) if model is not None else None,
            output=stored.text(given, "output", RESULT.name),
        )

    def check(self) -> None:
        """Check that this Quietfield has the method, and that every value is allowed.

        Raises
        ------
        QuietfieldError
            If not, or if a later version of the method is needed.
        """
        cls = catalogue.find(self.method)
        if self.version > cls.version:
            raise QuietfieldError(
                f"The recipe uses {cls.label} version {self.version}; this Quietfield has version "
                f"{cls.version}. Update Quietfield to run it."
            )
        params.build(cls, self.params)
        position(cls.possible, self.output, cls.label)

    @property
    def produces(self) -> Output:
        """The output of the method that is used.

        Raises
        ------
        QuietfieldError
            If the method has no such output.
        """
        cls = catalogue.find(self.method)
        return cls.possible[position(cls.possible, self.output, cls.label)]

    @property
    def label(self) -> str:
        """Name of the method for users, with that of its output unless this is the first one."""
        cls, output = catalogue.find(self.method), self.produces
        return cls.label if output == cls.possible[0] else f"{cls.label}, {output.label}"

    @property
    def details(self) -> str:
        """Short description that distinguishes results of the method."""
        return catalogue.find(self.method).in_brief(self.params)

    @property
    def parameters(self) -> str:
        """All parameters with values and units, those specific to the method first."""
        cls = catalogue.find(self.method)
        own = inspect.get_annotations(cls)  # more important than the shared parameters
        described = sorted(params.describe(cls), key=lambda p: p.name not in own)
        given = [p for p in described if p.name in self.params and (self.params[p.name] or not p.words)]
        return ", ".join(p.show(self.params[p.name]) for p in given)

    def method_for(self, find_network: FindModel | None = None) -> Bindable:
        """Return the method of this step, or the prediction of its trained network.

        Parameters
        ----------
        find_network : callable, optional
            Finds the prediction of a trained network.

        Raises
        ------
        QuietfieldError
            If the step cannot be repeated exactly: a later version, or a missing network.
        """
        self.check()
        cls = catalogue.find(self.method)
        if self.model is not None:
            if find_network is None:
                raise QuietfieldError(
                    f"The recipe needs the trained network {self.model.file}, which is not loaded."
                )
            return find_network(self.model)
        method = params.build(cls, self.params)
        if isinstance(method, Learned):
            raise QuietfieldError(
                f"{cls.label} has to be trained first; the recipe names no trained network."
            )
        return method

    def position(self, operation: Bindable) -> int:
        """Return the index of this step's output among the outputs of a method.

        Raises
        ------
        QuietfieldError
            If the method has no such output.
        """
        return position(operation.outputs, self.output, catalogue.find(self.method).label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Steps from a source to a result, with the same JSON in files, batches and on the command line."""

    steps: tuple[Step, ...]
    source: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the recipe as JSON."""
        steps = [step.to_dict() for step in self.steps]
        whole = {"quietfield": __version__, "schema": SCHEMA, "source": dict(self.source), "steps": steps}
        return json.dumps(whole, indent=1, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Parse a recipe.

        Raises
        ------
        QuietfieldError
            If the text is no recipe, or was written by a later version.
        """
        try:
            whole = stored.mapping(parse_json(text), "the text")
            if stored.whole(whole, "schema", low=1) > SCHEMA:
                program = stored.text(whole, "quietfield", "unknown")
                raise QuietfieldError(
                    f"This recipe was written by a later Quietfield ({program}). Update Quietfield to run it."
                )
            source = dict(stored.mapping(whole.get("source", {}), "source"))
            steps = read_steps(stored.items(whole, "steps", MOST_STEPS))
        except ValueError as error:
            raise QuietfieldError(
                f"This is not a Quietfield recipe: {error}. "
                "A recipe is the JSON that Quietfield writes beside or into an exported stack."
            ) from error
        return cls(steps=steps, source=source)


def read_steps(given: Sequence[Any]) -> tuple[Step, ...]:
    """Return the steps that a list from JSON describes; the message of an error begins with its number.

    Raises
    ------
    ValueError
        If one does not describe a step.
    """
    found = []
    for number, one in enumerate(given, 1):
        try:
            found.append(Step.from_dict(one))
        except ValueError as error:
            raise ValueError(f"in step {number}, {error}") from error
    return tuple(found)


def _values(given: Mapping[str, Any]) -> dict[str, Value]:
    """Return parameters from JSON, which are finite numbers, texts, and yes or no."""
    found: dict[str, Value] = {}
    for name, value in given.items():
        if isinstance(value, bool):
            found[name] = value
        elif isinstance(value, str):
            found[name] = stored.text(given, name, most=stored.MOST_VALUE)
        else:
            stored.finite(value, stored.brief(name))
            found[name] = value
    return found
