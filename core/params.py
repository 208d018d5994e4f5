"""Descriptions of parameters, the single source of forms, command line, recipes and validation.

A method is a frozen dataclass whose fields are made by `param`. Defaults, ranges and units are stated nowhere
else.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_type_hints

from core.errors import QuietfieldError
from core.stored import MOST_VALUE, brief

Value = float | int | bool | str
Kind = Literal["float", "int", "bool", "choice", "text"]
_KINDS: dict[type, Kind] = {float: "float", int: "int", bool: "bool", str: "text"}
_T = TypeVar("_T")

LONGEST = 100
"""Number of characters of a name that are compared with known names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """Description of one parameter.

    Attributes
    ----------
    name : str
        Name of the dataclass field; on the command line ``--name`` with dashes.
    kind : {"float", "int", "bool", "choice", "text"}
        Type of the value.
    default : float, int, bool or str
        Default value.
    label, help, unit : str
        Texts of the form: a short name, an explanation, and the unit ("" for none).
    short : str
        Name beside a value in a list; by default the label in lower case.
    ge, gt, le : float, optional
        Smallest allowed value, exclusive lower bound, and largest allowed value.
    step : float, optional
        Increment of a spin box.
    choices : dict of str to str
        Allowed values and their labels, for kind "choice".
    odd : bool
        Whether an integer must be odd.
    advanced : bool
        Whether the parameter is rarely needed.
    by_preset : bool
        Whether a preset sets the parameter, to its default if the preset gives no other value.
    file : str
        Filter of a file dialog for texts that may name a file, such as "Noise models (*.json)".
    words : callable, optional
        Describes a text for people; a form shows such a parameter in a place of its own.
    auto : tuple of float or int
        Ascending values among which the parameter can be chosen automatically; empty if it cannot.
    """

    name: str
    kind: Kind
    default: Value
    label: str
    help: str = ""
    unit: str = ""
    short: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    step: float | None = None
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    odd: bool = False
    advanced: bool = False
    by_preset: bool = False
    file: str = ""
    words: Callable[[str], str] | None = None
    auto: tuple[float | int, ...] = ()

    def check(self, value: object) -> Value:
        """Return `value` converted to the type of the parameter.

        Raises
        ------
        QuietfieldError
            If the value is not allowed; the message gives the parameter, the value and the allowed values.
        """
        if self.kind == "bool":
            if not isinstance(value, bool):
                raise self._refuse(value, "yes or no")
            return value
        if self.kind in ("text", "choice"):
            if not isinstance(value, str) or (self.kind == "choice" and value not in self.choices):
                raise self._refuse(value, "one of " + ", ".join(self.choices) if self.choices else "text")
            if len(value) > MOST_VALUE:
                raise self._refuse(value, f"text of at most {MOST_VALUE:,} characters")
            return value
        return self._check_number(value)

    def _check_number(self, value: object) -> Value:
        what = "a whole number" if self.kind == "int" else "a number"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refuse(value, what)
        if not _is_finite(value) or (self.kind == "int" and value != int(value)):
            raise self._refuse(value, what)
        low = self.ge if self.gt is None else self.gt
        if (
            (self.ge is not None and value < self.ge)
            or (self.gt is not None and value <= self.gt)
            or (self.le is not None and value > self.le)
        ):
            unit = f" {self.unit}" if self.unit else ""
            above = f"above {low:g}" if self.gt is not None else f"from {low:g}" if low is not None else ""
            below = f"to {self.le:g}" if self.le is not None else ""
            raise self._refuse(value, f"{what} {above} {below}".rstrip() + unit)
        if self.odd and int(value) % 2 == 0:
            raise self._refuse(value, "an odd number")
        return int(value) if self.kind == "int" else float(value)

    def parse(self, text: str) -> Value:
        """Parse a value from typed text.

        Raises
        ------
        QuietfieldError
            If the text is no allowed value.
        """
        word = text.strip()
        if self.kind == "bool":
            if word.lower() in ("yes", "true", "on", "1"):
                return True
            if word.lower() in ("no", "false", "off", "0"):
                return False
            raise self._refuse(text, "yes or no")
        if self.kind in ("text", "choice"):
            return self.check(word)
        try:
            number = float(word)
        except ValueError:
            raise self._refuse(text, "a whole number" if self.kind == "int" else "a number") from None
        return self.check(number)

    def show(self, value: Value) -> str:
        """Format a value with the parameter's name and unit, such as "sigma 1.5 px"."""
        if self.kind == "choice":
            text = _lower(self.choices.get(str(value), str(value)))
        elif self.words is not None:
            text = self.words(str(value))
        elif isinstance(value, bool):
            text = "yes" if value else "no"
        else:
            text = f"{value:.10g} {self.unit}" if isinstance(value, float) else f"{value} {self.unit}"
        return f"{self.short or _lower(self.label)} {text}".strip()

    def _refuse(self, value: object, allowed: str) -> QuietfieldError:
        return QuietfieldError(
            f"{self.label} ({self.name}) is {brief(value)}; it must be {' '.join(allowed.split())}."
        )


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floating-point ones
        return False


def _lower(words: str) -> str:
    """Convert the first letter to lower case, except in abbreviations."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def param(
    default: _T,
    label: str,
    *,
    help: str = "",
    unit: str = "",
    short: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    step: float | None = None,
    choices: Mapping[str, str] | None = None,
    odd: bool = False,
    advanced: bool = False,
    by_preset: bool = False,
    file: str = "",
    words: Callable[[str], str] | None = None,
    auto: tuple[float | int, ...] = (),
) -> _T:
    """Declare a dataclass field that is a parameter; see `Param` for the arguments."""
    described: dict[str, object] = {
        "default": default, "label": label, "help": help, "unit": unit, "short": short, "ge": ge, "gt": gt,
        "le": le, "step": step, "choices": dict(choices or {}), "odd": odd, "advanced": advanced,
        "by_preset": by_preset, "file": file,
        "words": words, "auto": auto,
    }  # fmt: skip
    result: _T = dataclasses.field(default=default, metadata={"param": described})
    return result


def revise(parent: type, name: str, default: _T, **changes: object) -> _T:
    """Declare a parameter of a parent class again with another default.

    Parameters
    ----------
    parent : type
        Dataclass that declares the parameter.
    name : str
        Name of the parameter in both classes.
    default : float, int, bool or str
        New default.
    **changes : object
        Other changes, named as the arguments of `param`, such as ``ge=64``.
    """
    field = next(field for field in dataclasses.fields(parent) if field.name == name)
    words = {**field.metadata["param"], **changes, "default": default}
    result: _T = dataclasses.field(default=default, metadata={"param": words})
    return result


def fix(value: _T) -> _T:
    """Declare that a parameter of a parent class has a fixed value, which cannot be passed."""
    result: _T = dataclasses.field(default=value, init=False)
    return result


_described: dict[type, tuple[Param, ...]] = {}


def describe(cls: type) -> tuple[Param, ...]:
    """Return the parameters of a dataclass in the order of their declaration."""
    if cls in _described:
        return _described[cls]
    hints = get_type_hints(cls)
    found = []
    for field in dataclasses.fields(cls):
        words: dict[str, Any] | None = field.metadata.get("param")
        if words is None:
            continue
        kind = "choice" if words["choices"] else _KINDS[hints[field.name]]
        found.append(Param(name=field.name, kind=kind, **words))
    return _described.setdefault(cls, tuple(found))


def validate(instance: object) -> None:
    """Check every parameter of a dataclass instance, and convert numbers to their declared type.

    Raises
    ------
    QuietfieldError
        If a value is not allowed.
    """
    for p in describe(type(instance)):
        object.__setattr__(instance, p.name, p.check(getattr(instance, p.name)))


def values(instance: object) -> dict[str, Value]:
    """Return the parameters of an instance as a plain dictionary, ready for JSON."""
    return {p.name: getattr(instance, p.name) for p in describe(type(instance))}


def build(cls: type[_T], given: Mapping[str, object]) -> _T:
    """Create an instance from a dictionary.

    Raises
    ------
    QuietfieldError
        If a name is unknown (the message suggests the nearest name) or a value is not allowed.
    """
    known = {p.name: p for p in describe(cls)}
    for name in given:
        if name not in known:
            raise QuietfieldError(unknown("parameter", name, known))
    return cls(**{name: known[name].check(value) for name, value in given.items()})


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return an error message for an unknown name that suggests the nearest known name."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:LONGEST], names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names) or 'none'}."
    return f"There is no {what} called {brief(name)}. {hint}"
