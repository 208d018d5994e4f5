"""Steps done to a stack, and recipes: steps as JSON, which run again on other stacks."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core import __version__, catalogue, params
from core.errors import QuietfieldError
from core.learning.base import Learned
from core.methods.base import Bindable, Method
from core.methods.outputs import RESULT, Output, Quantity, position
from core.model_file import FindModel, ModelFile
from core.params import Value

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing done to a stack.

    Attributes
    ----------
    method : str
        Name of the method on the list; for a network, of the method it was trained with.
    version : int
        Version of the method's arithmetic.
    params : dict
        Every parameter, defaults included.
    model : ModelFile or None
        The trained network, for a learned method.
    output : str
        Name of the output of the operation that was kept.
    """

    method: str
    version: int
    params: Mapping[str, Value]
    model: ModelFile | None = None
    output: str = RESULT.name

    @classmethod
    def of(cls, method: Method, model: ModelFile | None = None, output: Output | None = None) -> Step:
        """Describe a method with its parameters, and one of its outputs, by default the first."""
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
        """Read a step from what `to_dict` gives; whatever is wrong raises as Python finds it."""
        model = given.get("model")
        return cls(
            method=str(given["method"]),
            version=int(given["version"]),
            params=dict(given["params"]),
            model=ModelFile(file=str(model["file"]), sha256=str(model["sha256"])) if model else None,
            output=str(given.get("output", RESULT.name)),
        )

    @property
    def produces(self) -> Output:
        """Output of the method that was kept.

        Raises
        ------
        QuietfieldError
            If the method has no such output.
        """
        cls = catalogue.find(self.method)
        return cls.possible[position(cls.possible, self.output, cls.label)]

    @property
    def label(self) -> str:
        """Name of the method in words."""
        label, output = catalogue.find(self.method).label, self.produces
        return label if output.quantity is Quantity.INTENSITY else f"{label}, {output.label}"

    @property
    def details(self) -> str:
        """What tells this result from others of the method, in a few words."""
        return catalogue.find(self.method).in_brief(self.params)

    @property
    def parameters(self) -> str:
        """Every parameter with its value and unit, those of this very method first."""
        cls = catalogue.find(self.method)
        own = inspect.get_annotations(cls)  # these matter more than what all of a kind have
        described = sorted(params.describe(cls), key=lambda p: p.name not in own)
        return ", ".join(p.show(self.params[p.name]) for p in described if p.name in self.params)

    def method_for(self, find_network: FindModel | None = None) -> Bindable:
        """Return what does this step again: the method, or its trained network.

        Parameters
        ----------
        find_network : callable, optional
            Finds what denoises with a trained network.

        Raises
        ------
        QuietfieldError
            If this program cannot repeat the step exactly: a later version, or no network.
        """
        cls = catalogue.find(self.method)
        if self.version > cls.version:
            raise QuietfieldError(
                f"The recipe uses {cls.label} version {self.version}; this Quietfield has version "
                f"{cls.version}. Update Quietfield to run it."
            )
        if self.model is not None:
            if find_network is None:
                raise QuietfieldError(
                    f"The recipe needs the trained network {self.model.file}, which is not at hand."
                )
            return find_network(self.model)
        method = params.build(cls, self.params)
        if isinstance(method, Learned):
            raise QuietfieldError(
                f"{cls.label} has to be trained first; the recipe names no trained network."
            )
        return method

    def position(self, operation: Bindable) -> int:
        """Return the index of this step's output among the outputs of an operation.

        Raises
        ------
        QuietfieldError
            If the operation does not give it.
        """
        return position(operation.outputs, self.output, catalogue.find(self.method).label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Steps that led from a source to a result; the same JSON in files, batches and on the command line."""

    steps: tuple[Step, ...]
    source: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write the recipe as JSON."""
        steps = [step.to_dict() for step in self.steps]
        whole = {"quietfield": __version__, "schema": SCHEMA, "source": dict(self.source), "steps": steps}
        return json.dumps(whole, indent=1, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read a recipe.

        Raises
        ------
        QuietfieldError
            If the text is no recipe, or one of a later Quietfield.
        """
        try:
            whole = json.loads(text)
            schema = whole["schema"]
            if schema > SCHEMA:
                raise QuietfieldError(
                    f"This recipe was written by a later Quietfield ({whole['quietfield']}). "
                    "Update Quietfield to run it."
                )
            steps = tuple(Step.from_dict(step) for step in whole["steps"])
            return cls(steps=steps, source=dict(whole.get("source", {})))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise QuietfieldError(
                f"This is not a Quietfield recipe ({type(error).__name__}: {error}). "
                "A recipe is the JSON that Quietfield writes beside or into an exported stack."
            ) from error
