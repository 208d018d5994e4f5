"""What was done to a stack: steps, recipes that run again, and undo as a cursor over them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core import __version__, catalogue, params
from core.errors import QuietfieldError
from core.methods.apply import derive
from core.methods.base import Method, Operation
from core.methods.outputs import RESULT, Output, Quantity, position
from core.model_file import FindModel, ModelFile
from core.params import Value
from core.stack import Stack

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

    def operation(self, find_model: FindModel | None = None) -> Operation:
        """Make the operation that does this step again.

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
            if find_model is None:
                raise QuietfieldError(
                    f"The recipe needs the trained network {self.model.file}, which is not at hand."
                )
            return find_model(self.model)
        method = params.build(cls, self.params)
        if not isinstance(method, Operation):
            raise QuietfieldError(
                f"{cls.label} has to be trained first; the recipe names no trained network."
            )
        return method

    def position(self, operation: Operation) -> int:
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
        steps = [
            {
                "method": s.method, "version": s.version, "params": dict(s.params),
                **({"model": {"file": s.model.file, "sha256": s.model.sha256}} if s.model else {}),
                "output": s.output,
            }
            for s in self.steps
        ]  # fmt: skip
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
            steps = tuple(
                Step(
                    method=str(s["method"]),
                    version=int(s["version"]),
                    params=dict(s["params"]),
                    model=ModelFile(file=str(s["model"]["file"]), sha256=str(s["model"]["sha256"]))
                    if "model" in s
                    else None,
                    output=str(s.get("output", RESULT.name)),
                )
                for s in whole["steps"]
            )
            return cls(steps=steps, source=dict(whole.get("source", {})))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise QuietfieldError(
                f"This is not a Quietfield recipe ({type(error).__name__}: {error}). "
                "A recipe is the JSON that Quietfield writes beside or into an exported stack."
            ) from error

    def derive(self, stack: Stack, find_model: FindModel | None = None) -> Stack:
        """Stack to which the steps will have been done when its pixels are read."""
        for step in self.steps:
            operation = step.operation(find_model)
            stack = derive(stack, operation, step.position(operation))
        return stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One result: the step that made it and the index of the result it was made from."""

    step: Step | None
    parent: int
    action: int


@dataclass(frozen=True, slots=True)
class History:
    """All results of a document, and which of them have not been undone.

    Entry 0 is the source itself. Results made by one action are undone and redone together.
    """

    entries: tuple[Entry, ...] = (Entry(step=None, parent=0, action=0),)
    cursor: int = 0

    @property
    def live(self) -> range:
        """Indices of the results that exist now, the source among them."""
        return range(sum(e.action <= self.cursor for e in self.entries))

    def do(self, parent: int, *steps: Step) -> History:
        """Add one result for each step, all made from `parent`; what was undone is forgotten."""
        if parent not in self.live:
            raise ValueError(f"result {parent} does not exist")
        kept = self.entries[: len(self.live)]
        made = tuple(Entry(step=s, parent=parent, action=self.cursor + 1) for s in steps)
        return History(kept + made, self.cursor + 1)

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to undo."""
        return self.cursor > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone action."""
        return self.cursor < self.entries[-1].action

    def undo(self) -> History:
        """Take back the last action."""
        return History(self.entries, self.cursor - 1) if self.can_undo else self

    def redo(self) -> History:
        """Do the last undone action again."""
        return History(self.entries, self.cursor + 1) if self.can_redo else self

    def steps(self, index: int) -> tuple[Step, ...]:
        """Steps that led from the source to a result."""
        found: list[Step] = []
        while (step := self.entries[index].step) is not None:
            found.append(step)
            index = self.entries[index].parent
        return tuple(reversed(found))
