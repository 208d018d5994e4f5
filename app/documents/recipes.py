"""Recipes and trained networks, selected as files and converted to tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import QuietfieldError
from core.work.recipe import Recipe

if TYPE_CHECKING:  # these access files, which the first window does not need
    from core.stack import Stack
    from core.work.networks import Networks
    from core.work.task import Task


def recipe_task(path: Path, stack: Stack) -> Task:
    """Return the task that applies the steps of a recipe to a stack.

    Parameters
    ----------
    path : Path
        A recipe, or a stack exported by Quietfield.
    stack : Stack
        Input of the first step.

    Raises
    ------
    QuietfieldError
        If the file contains no recipe.
    """
    from core.files import read_recipe
    from core.work.task import Task

    text = read_recipe(path)
    if not text:
        raise QuietfieldError(
            f"{path.name} contains no recipe. Choose a .json recipe or a stack exported by Quietfield."
        )
    recipe = Recipe.from_json(text)
    if not recipe.steps:
        raise QuietfieldError(f"The recipe in {path.name} has no steps. Choose another one.")
    return Task(recipe=recipe, source=stack)


def network_task(path: Path, stack: Stack, networks: Networks) -> Task:
    """Return the task that denoises a stack with the trained network in a file, keeping all outputs."""
    from core.work.task import Task

    return Task(recipe=Recipe(steps=(networks.step(path),)), source=stack, every_output=True)
