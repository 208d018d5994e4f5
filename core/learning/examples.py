"""What a method learns from a stack: which parts, which patches, what is hidden and what is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Generator

from core import memory
from core.errors import QuietfieldError
from core.learning import data
from core.learning.base import BlindSpot, Learned
from core.learning.data import Normalisation, Split
from core.learning.lines import draw_lines
from core.learning.masks import Mask, draw_mask
from core.learning.obstacles import instant_doubts, quiet
from core.learning.pairs import FramePairs, TargetPairs
from core.learning.patches import Patches, cut, held_out_patches
from core.learning.sampling import draw_places
from core.learning.tiles import Place, Tiles
from core.learning.training_advice import levels, photons
from core.stack import Stack, channel_of


class Examples:
    """Patches of a stack, as a method wants them.

    Parameters
    ----------
    stack : Stack
        What to train on.
    method : Learned
        Method and parameters.
    side : int
        Side of the patches in pixels.
    memory : int
        Bytes of training pixels to keep in memory.
    target : Stack or None
        What to predict, for methods that learn from a clean stack.

    Raises
    ------
    QuietfieldError
        If the method needs a target and there is none, or the other way round.
    """

    def __init__(self, stack: Stack, method: Learned, side: int, memory: int, target: Stack | None) -> None:
        self._stack, self._method, self._side, self._target = stack, method, side, target
        self._strategy = method.strategy()
        kind, along = self._strategy.supervision, self._strategy.along
        if (kind == "target") is not (target is not None):
            raise QuietfieldError(
                f"{method.label} learns from a noisy and a clean stack. Name the clean one too."
                if target is None
                else f"{method.label} learns from the noisy stack alone. Name no clean one, or choose CARE."
            )
        self._split = data.split(stack, method.validation, side, "Z" if kind == "frames" else "TZ", along)
        if self._strategy.adapts and not self._strategy.idle:
            self._split = _noisy(self._split, stack)
        if target is not None:
            self._tiles: Tiles = TargetPairs(stack, self._split, side, memory, along, target=target)
        elif kind == "frames":
            self._tiles = FramePairs(stack, self._split, side, memory)
        else:
            self._tiles = Tiles(stack, self._split, side, memory, along)

    @property
    def note(self) -> str:
        """What a person should know of the parts held out, or ""."""
        return self._split.note

    @property
    def places(self) -> list[Place]:
        """Which tiles are in memory."""
        return list(self._tiles.places)

    @property
    def normalisation(self) -> Normalisation:
        """How pixels become numbers for the network."""
        return self._tiles.normalisation

    def read(self, generator: Generator, state: Mapping[str, Any] | None) -> Iterator[float]:
        """Read what is trained on, that of an earlier state if there is one; yields the fraction done.

        Raises
        ------
        QuietfieldError
            If there is nothing to learn: no finite pixels, or all the same.
        """
        self._tiles.choose(generator, None if state is None else state["places"])
        yield from self._tiles.load(
            self._strategy.offset,
            by_channel=self._method.normalise == "channel",
            known=self._known() if state is None else state["normalisation"],
        )

    def _known(self) -> Normalisation | None:
        """How pixels become numbers, where that does not depend on their mean and deviation."""
        if not self._strategy.adapts:
            return None
        return photons(levels(self._stack))

    def keep_on(self, device: torch.device) -> None:
        """Move the training pixels beside the network where they fit."""
        try:
            self._tiles.move(device)
        except RuntimeError as error:
            if not memory.ran_out(error):
                raise

    def refresh(self, generator: Generator) -> None:
        """Read another part of a stack that does not fit into memory."""
        self._tiles.refresh(generator)

    def draw(self, generator: Generator, device: torch.device) -> Patches:
        """Patches for one step."""
        method = self._method
        shape = (self._tiles.count, *self._tiles.shape)
        places = draw_places(
            method.batch, shape, self._side, method.augment, generator, exchange=self._strategy.exchange
        )
        mask = self._mask(method.batch, generator)
        return cut(self._tiles, places, self._side, mask, device, generator)

    def held_out(self) -> Patches:
        """Patches of the parts held out, always the same ones."""
        count, generator = self._method.validation_patches, torch.Generator()
        generator.manual_seed(self._method.seed + 1)
        patches = held_out_patches(
            self._stack, self._split, self.normalisation, count=count, side=self._side, generator=generator,
            frames=self._strategy.supervision == "frames", target=self._target, along=self._strategy.along,
        )  # fmt: skip
        return patches.hiding(self._mask(count, generator))

    def _mask(self, count: int, generator: Generator) -> Mask | None:
        method = self._method
        if not isinstance(method, BlindSpot):
            return None
        strategy, sizes = self._strategy, (count, self._side, method.box, method.neighbourhood)
        if strategy.line:
            return draw_lines(*sizes, strategy.line, strategy.reach, generator)
        return draw_mask(*sizes, generator, median=strategy.replacement == "median")


def _noisy(split: Split, stack: Stack) -> Split:
    """Leave out channels with almost no noise, whose errors would drown all others; not if all are such."""
    silent = quiet(instant_doubts(stack))
    if not silent or len(silent) == stack.sizes.get("C", 1):
        return split
    training, held_out = (
        tuple(region for region in regions if channel_of(region, stack.axes) not in silent)
        for regions in (split.training, split.held_out)
    )
    return replace(split, training=training, held_out=held_out)
