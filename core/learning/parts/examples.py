"""What a network sees of a stack, and what it is to predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from core import memory
from core.learning import data
from core.learning.data import Normalisation, Split
from core.learning.lines import Direction, draw_lines
from core.learning.masks import Mask, draw_mask, hide, surrounded
from core.learning.obstacles import instant_doubts, quiet
from core.learning.pairs import FramePairs, TargetPairs
from core.learning.parts.setup import Setup
from core.learning.patches import Patches, cut, held_out_patches
from core.learning.sampling import draw_places
from core.learning.tiles import Place, Tiles
from core.learning.training_advice import levels, photons
from core.stack import Stack, channel_of

Predict = Callable[[Tensor], Tensor]
"""Predicts the patches (N, Y, X) from what is shown of them (N, Y, X)."""

FILLS = 2
"""How often the network predicts what hidden pixels show, before its prediction counts."""


class Examples:
    """Patches of a stack, in which nothing is hidden.

    Parameters
    ----------
    setup : Setup
        The stack, and how patches are drawn.
    offset : float or None
        Camera offset in counts, subtracted before anything else; None to estimate it.
    """

    held_out_axes: ClassVar[str] = "TZ"
    """Axes of which the last frames may be held out."""
    other_frames: ClassVar[bool] = False
    """Whether another frame of the scene is to be predicted."""

    def __init__(self, setup: Setup, *, offset: float | None = 0.0) -> None:
        self._setup, self._offset = setup, offset
        self._split = self._divided()
        self._tiles = self._tiled()

    def _divided(self) -> Split:
        """Divide the stack into what is trained on and what is held out."""
        setup = self._setup
        return data.split(setup.stack, setup.validation, setup.side, self.held_out_axes, setup.along)

    def _tiled(self) -> Tiles:
        """Make the tiles that patches are drawn from."""
        setup = self._setup
        return Tiles(setup.stack, self._split, setup.side, setup.memory, setup.along)

    @property
    def exchange(self) -> bool:
        """Whether rows of a patch may become columns."""
        return True

    def mask(self, count: int, generator: Generator) -> Mask | None:  # noqa: ARG002
        """Draw which pixels of patches are hidden and predicted; None where all are predicted."""
        return None

    def shown(self, patches: Patches, predict: Predict) -> Tensor:  # noqa: ARG002
        """Return what the network is shown of patches, (N, Y, X).

        Parameters
        ----------
        patches : Patches
            Patches to learn from.
        predict : callable
            The network as it is, for what it may fill in.
        """
        return patches.pixels

    def known(self) -> Normalisation | None:
        """Return how pixels become numbers, where their mean and standard deviation do not decide it."""
        return None

    # ------------------------------------------------------------------ for the trainer

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
        known = self.known() if state is None else state["normalisation"]
        yield from self._tiles.load(self._offset, by_channel=self._setup.by_channel, known=known)

    def keep_on_device(self) -> None:
        """Move the training pixels beside the network where they fit."""
        try:
            self._tiles.move(self._setup.device)
        except RuntimeError as error:
            if not memory.ran_out(error):
                raise

    def refresh(self, generator: Generator) -> None:
        """Read another part of a stack that does not fit into memory."""
        self._tiles.refresh(generator)

    def draw(self, generator: Generator) -> Patches:
        """Draw the patches of one step, on the device."""
        setup, shape = self._setup, (self._tiles.count, *self._tiles.shape)
        places = draw_places(setup.batch, shape, setup.side, setup.augment, generator, exchange=self.exchange)
        mask = self.mask(setup.batch, generator)
        return cut(self._tiles, places, setup.side, mask, setup.device, generator)

    def held_out(self) -> Patches:
        """Return patches of the parts held out, always the same ones."""
        setup, generator = self._setup, torch.Generator()
        generator.manual_seed(setup.seed + 1)
        patches = held_out_patches(
            setup.stack, self._split, self.normalisation, count=setup.validation_patches, side=setup.side,
            generator=generator, frames=self.other_frames, target=setup.target, along=setup.along,
        )  # fmt: skip
        return patches.hiding(self.mask(setup.validation_patches, generator))


class HiddenPixels(Examples):
    """Predict single pixels that are hidden: one in every box.

    Parameters
    ----------
    setup : Setup
        The stack, and how patches are drawn.
    box, neighbourhood : int
        Sides in pixels of the boxes, and of the surroundings that replacements come from.
    median : bool
        Whether a hidden pixel shows the median of its surroundings instead of one of their pixels.
    offset : float or None
        Camera offset in counts; None to estimate it.
    """

    def __init__(
        self, setup: Setup, *, box: int, neighbourhood: int, median: bool = False,
        offset: float | None = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(setup, offset=offset)
        self._box, self._neighbourhood, self._median = box, neighbourhood, median

    def mask(self, count: int, generator: Generator) -> Mask | None:
        """Draw which pixels of patches are hidden and predicted."""
        return draw_mask(
            count, self._setup.side, self._box, self._neighbourhood, generator, median=self._median
        )

    def shown(self, patches: Patches, predict: Predict) -> Tensor:  # noqa: ARG002
        """Return patches whose hidden pixels show their replacements, (N, Y, X)."""
        return patches.pixels if patches.mask is None else hide(patches.pixels, patches.mask)


class HiddenLines(HiddenPixels):
    """Predict single pixels that are hidden with the line of neighbours that share their noise.

    Parameters
    ----------
    setup, box, neighbourhood
        As in `HiddenPixels`.
    line : {"x", "y", "both"}
        Along which axes lines run.
    reach : int
        Pixels covered on each side of a hidden one.
    """

    def __init__(self, setup: Setup, *, box: int, neighbourhood: int, line: Direction, reach: int) -> None:
        super().__init__(setup, box=box, neighbourhood=neighbourhood)
        self._line, self._reach = line, reach

    @property
    def exchange(self) -> bool:
        """Whether rows of a patch may become columns, which turns lines too."""
        return self._line == "both"

    def mask(self, count: int, generator: Generator) -> Mask | None:
        """Draw which pixels of patches are hidden and predicted, and which are covered with them."""
        side, box, near = self._setup.side, self._box, self._neighbourhood
        return draw_lines(count, side, box, near, self._line, self._reach, generator)


class ExpectedPixels(HiddenPixels):
    """Predict hidden pixels that show what the network itself predicts there.

    The prediction is found in a few passes from the mean of the surroundings. It tells nothing of the hidden
    pixel that its surroundings do not tell. Unlike the value of another pixel, it does not teach the network
    to mistrust the pixel itself; nor, as a mean does, to sharpen what is not blurred. Pixels are in photons,
    as `core.learning.training_advice.photons` makes them; channels with almost no noise are left out.
    """

    def _divided(self) -> Split:
        return _noisy(super()._divided(), self._setup.stack)

    def known(self) -> Normalisation:
        """Return how counts become photons."""
        return photons(levels(self._setup.stack))

    def shown(self, patches: Patches, predict: Predict) -> Tensor:
        """Return patches whose hidden pixels show what the network predicts there, (N, Y, X)."""
        assert patches.mask is not None
        hidden = patches.mask.hidden
        light = surrounded(patches.pixels, patches.mask)
        for _ in range(FILLS):
            with torch.no_grad():
                expected = predict(light).flatten(1).gather(1, hidden)
            light = light.flatten(1).scatter(1, hidden, expected).reshape(light.shape)
        return light


class OtherFrames(Examples):
    """Predict one frame from another one of the same scene."""

    held_out_axes: ClassVar[str] = "Z"
    other_frames: ClassVar[bool] = True

    def _tiled(self) -> Tiles:
        return FramePairs(self._setup.stack, self._split, self._setup.side, self._setup.memory)


class CleanImages(Examples):
    """Predict a clean stack from the noisy one."""

    def _tiled(self) -> Tiles:
        setup = self._setup
        assert setup.target is not None
        return TargetPairs(
            setup.stack, self._split, setup.side, setup.memory, setup.along, target=setup.target
        )


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
