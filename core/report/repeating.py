"""What is needed to repeat a comparison: command lines, recipes, and versions."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from core import __version__, catalogue, params
from core.learning.base import Learned
from core.methods.base import Method
from core.paths import RECIPE_ENDING
from core.report.comparison import Comparison
from core.work.command_line import command_line, join, training_command
from core.work.recipe import Recipe, Step

PACKAGES = ("torch", "numpy", "scipy", "tifffile")
"""Packages whose versions are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """How to apply one method of a comparison again.

    Attributes
    ----------
    label : str
        Name of the method.
    file : str
        Name of the recipe beside the report; "" for a network, which has to be trained.
    command : str
        Command line that applies the method to the whole stack.
    recipe : str
        Recipe as JSON; for a network, its parameters.
    """

    label: str
    file: str
    command: str
    recipe: str


def repeats(comparison: Comparison) -> tuple[Repeat, ...]:
    """Return how to apply each method again, best first; no two recipes have the same file name."""
    found: list[Repeat] = []
    taken: set[str] = set()
    for entry in comparison.verdict.ranking:
        method = entry.result.method if entry.result is not None else entry.method
        recipe = Recipe(steps=(Step.of(method),)).to_json()
        if isinstance(method, Learned):
            preset = type(method).default_preset
            command = training_command(method, preset, comparison.source, comparison.source.name)
            file = ""
        else:
            command = command_line(method, comparison.source, comparison.source.name)
            file = _free(method.name, taken)
        found.append(Repeat(label=entry.label, file=file, command=command, recipe=recipe))
    return tuple(found)


def recipe_names(methods: Sequence[Method]) -> tuple[str, ...]:
    """Return the names of the recipes of methods: of each that needs no training."""
    taken: set[str] = set()
    return tuple(_free(method.name, taken) for method in methods if not isinstance(method, Learned))


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return f"{free}{RECIPE_ENDING}"


def compare_command(comparison: Comparison) -> str:
    """Return the command line that repeats the comparison."""
    words = ["quietfield", "compare", str(comparison.source), *comparison.options]
    reference = comparison.reference
    if reference is not None:
        path = reference.meta.path
        words += ["--reference", path.name if path is not None else reference.meta.name]
        words += ["--affine"] if comparison.affine else []
    words += ["--methods", *dict.fromkeys(entry.method.name for entry in comparison.entries)]
    if not comparison.usual_area:
        rows, columns = comparison.region[-2:]
        words += ["--region", f"{rows.start}:{rows.stop},{columns.start}:{columns.stop}"]
    words += ["--seconds", f"{comparison.seconds:g}"] if comparison.seconds else []
    words += [] if comparison.tuned else ["--as-set"]
    return join([*words, "--seed", str(comparison.seed), "-o", f"{comparison.source.stem}_report"])


def usual_networks(comparison: Comparison) -> bool:
    """Return whether all networks have default parameters, which the command line repeats."""
    given = ("seconds", "steps", "seed")
    for entry in comparison.entries:
        usual = params.values(catalogue.create(entry.method.name, {}))
        own = params.values(entry.method)
        if isinstance(entry.method, Learned) and any(own[n] != usual[n] for n in own if n not in given):
            return False
    return True


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of Quietfield, Python and packages, and the system; no name of the computer."""
    known = {"Quietfield": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        known[package] = metadata.version(package)
    return (*known.items(), ("System", f"{platform.system()} {platform.machine()}".strip()))
