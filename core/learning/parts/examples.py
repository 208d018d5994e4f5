"""Training examples: input and target of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from core import memory
from core.findings import Finding
from core.learning import data
from core.learning.data import Normalisation, Split
from core.learning.lines import Direction, draw_lines
from core.learning.masks import Mask, draw_mask, hide, in_volumes, surrounded
from core.learning.obstacles import examine_channels, noiseless
from core.learning.pairs import FramePairs, TargetPairs
from core.learning.parts.setup import Setup
from core.learning.patches import Patches, cut, held_out_patches
from core.learning.tiles import Place, Tiles
from core.learning.training_advice import levels, photons
from core.learning.volumes import VolumeTiles, held_out_volumes
from core.stack import Region, Stack, channel_of

Predict = Callable[[Tensor], Tensor]
"""Predicts patches (N, Y, X) from the input that replaces them (N, Y, X)."""

FILLS = 2
"""Number of passes in which the network predicts the values of hidden pixels, before its output is used."""


class Examples:
    """Patches of a stack without hidden pixels.

    Parameters
    ----------
    setup : Setup
        Stack, and settings of the patches.
    offset : float or None
        Camera offset in counts, which is subtracted first; None to estimate it.
    """

    held_out_axes: ClassVar[str] = "TZ"
    """Axes along which the last frames may be held out."""
    other_frames: ClassVar[bool] = False
    """Whether the target is another frame of the scene."""

    def __init__(self, setup: Setup, *, offset: float | None = 0.0) -> None:
        self._setup, self._offset = setup, offset
        self._split = self._divided()
        self._tiles = self._tiled()

    def _divided(self) -> Split:
        """Split the stack into training and held-out regions."""
        setup = self._setup
        # volumes are not cut along Z
        axes = self.held_out_axes.replace("Z", "") if setup.planes else self.held_out_axes
        return data.split(setup.stack, setup.validation, setup.side, axes, setup.along)

    def _tiled(self) -> Tiles:
        """Return the tiles from which patches are cropped."""
        setup = self._setup
        if setup.planes:
            return VolumeTiles(setup.stack, self._split, setup.side, setup.memory, planes=setup.planes)
        return Tiles(setup.stack, self._split, setup.side, setup.memory, setup.along)

    @property
    def exchange(self) -> bool:
        """Whether patches may be transposed."""
        return True

    def mask(self, count: int, generator: Generator) -> Mask | None:  # noqa: ARG002
        """Draw a mask of hidden pixels, which are predicted; None if all pixels are predicted."""
        return None

    def shown(self, patches: Patches, predict: Predict) -> Tensor:  # noqa: ARG002
        """Return the input of the network for patches, (N, Y, X).

        Parameters
        ----------
        patches : Patches
            Training patches.
        predict : callable
            The current network, for replacements that it predicts.

        Returns
        -------
        Tensor, shape (N, Y, X)
            Patches with replaced pixels.
        """
        return patches.pixels

    def known(self) -> Normalisation | None:
        """Return the normalisation, if it is not determined by mean and standard deviation."""
        return None

    # ------------------------------------------------------------------ for the trainer

    @property
    def finding(self) -> Finding | None:
        """Findings about the held-out regions."""
        return self._split.finding

    @property
    def held_out_regions(self) -> tuple[Region, ...]:
        """Regions of single planes that are held out."""
        return self._split.held_out

    @property
    def places(self) -> list[Place]:
        """Positions of the tiles in memory."""
        return list(self._tiles.places)

    @property
    def normalisation(self) -> Normalisation:
        """Normalisation of the pixels."""
        return self._tiles.normalisation

    def read(self, generator: Generator, state: Mapping[str, Any] | None) -> Iterator[float]:
        """Read the training regions, those of an earlier state if given; yields the completed fraction.

        Raises
        ------
        QuietfieldError
            If there are no finite pixels, or all pixels are equal.
        """
        self._tiles.choose(generator, None if state is None else state["places"])
        known = self.known() if state is None else state["normalisation"]
        yield from self._tiles.load(self._offset, by_channel=self._setup.by_channel, known=known)

    def keep_on_device(self) -> None:
        """Move the training pixels to the device of the network, if they fit."""
        try:
            self._tiles.move(self._setup.device)
        except RuntimeError as error:
            if not memory.ran_out(error):
                raise

    def refresh(self, generator: Generator) -> None:
        """Replace a part of the pixels in memory, if the stack does not fit into it."""
        self._tiles.refresh(generator)

    def draw(self, generator: Generator, fraction: float = 1.0) -> Patches:  # noqa: ARG002
        """Draw the patches of one step, on the device, after this fraction of the training."""
        setup = self._setup
        places = self._tiles.draw(setup.batch, setup.side, setup.augment, generator, exchange=self.exchange)
        mask = self.mask(setup.batch, generator)
        return cut(self._tiles, places, setup.side, mask, setup.device, generator)

    def held_out(self) -> Patches:
        """Return the patches of held-out regions, which are always the same."""
        setup, generator = self._setup, torch.Generator()
        generator.manual_seed(setup.seed + 1)
        count, side = setup.validation_patches, setup.side
        if setup.planes:
            patches = held_out_volumes(
                setup.stack, self._split, self.normalisation, count=count, side=side, planes=setup.planes,
                generator=generator,
            )  # fmt: skip
        else:
            patches = held_out_patches(
                setup.stack, self._split, self.normalisation, count=count, side=side, generator=generator,
                frames=self.other_frames, target=setup.target, along=setup.along,
            )  # fmt: skip
        return patches.hiding(self.mask(setup.validation_patches, generator))


class HiddenPixels(Examples):
    """Predict single hidden pixels, one in every box.

    Parameters
    ----------
    setup : Setup
        Stack, and settings of the patches.
    box, neighbourhood : int
        Sides, in pixels, of the boxes and of the neighbourhood of replacements.
    median : bool
        Whether a hidden pixel is replaced by the median of its neighbourhood instead of a random pixel.
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
        """Draw a mask of hidden pixels, which are predicted."""
        planes, side = self._setup.planes, self._setup.side
        mask = self._plane_mask(count * (planes or 1), generator)
        return in_volumes(mask, planes, side**2) if planes else mask

    def _plane_mask(self, count: int, generator: Generator) -> Mask:
        """Draw masks of single planes."""
        side, box, near = self._setup.side, self._box, self._neighbourhood
        return draw_mask(count, side, box, near, generator, median=self._median)

    def shown(self, patches: Patches, predict: Predict) -> Tensor:  # noqa: ARG002
        """Return patches with hidden pixels replaced, (N, Y, X) or (N, Z, Y, X)."""
        return patches.pixels if patches.mask is None else hide(patches.pixels, patches.mask)


class HiddenLines(HiddenPixels):
    """Predict single hidden pixels, with a line of neighbours that share their noise masked too.

    Parameters
    ----------
    setup, box, neighbourhood
        As in `HiddenPixels`.
    line : {"x", "y", "both"}
        Axes of the masked lines.
    reach : int
        Number of masked pixels on each side of a hidden pixel.
    """

    def __init__(self, setup: Setup, *, box: int, neighbourhood: int, line: Direction, reach: int) -> None:
        super().__init__(setup, box=box, neighbourhood=neighbourhood)
        self._line, self._reach = line, reach

    @property
    def exchange(self) -> bool:
        """Whether patches may be transposed, which also transposes the lines."""
        return self._line == "both"

    def _plane_mask(self, count: int, generator: Generator) -> Mask:
        """Draw masks of hidden pixels, which are predicted, and of pixels that are masked with them."""
        side, box, near = self._setup.side, self._box, self._neighbourhood
        return draw_lines(count, side, box, near, self._line, self._reach, generator)


class ExpectedPixels(HiddenPixels):
    """Predict hidden pixels that are replaced by the prediction of the network itself.

    The prediction is computed in a few passes, starting from the mean of the surroundings. It contains no
    information about the hidden pixel beyond its surroundings. Unlike the value of another pixel, it does not
    train the network to ignore the centre pixel; unlike a mean, it does not train the network to sharpen.
    Pixels are in photons, as computed by `core.learning.training_advice.photons`; channels with almost no
    noise are not used.
    """

    def _divided(self) -> Split:
        return exclude_noiseless(super()._divided(), self._setup.stack)

    def known(self) -> Normalisation:
        """Return the normalisation from counts to photons."""
        return photons(levels(self._setup.stack))

    def shown(self, patches: Patches, predict: Predict) -> Tensor:
        """Return patches with hidden pixels replaced by predictions of the network, (N, Y, X)."""
        assert patches.mask is not None
        hidden = patches.mask.hidden
        light = surrounded(patches.pixels, patches.mask)
        for _ in range(FILLS):
            with torch.no_grad():
                expected = predict(light).flatten(1).gather(1, hidden)
            light = light.flatten(1).scatter(1, hidden, expected).reshape(light.shape)
        return light


class OtherFrames(Examples):
    """Predict one frame from another frame of the same scene."""

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


def exclude_noiseless(split: Split, stack: Stack) -> Split:
    """Exclude channels with almost no noise, whose losses would dominate; keep them if all are such."""
    silent = noiseless(examine_channels(stack))
    if not silent or len(silent) == stack.sizes.get("C", 1):
        return split
    training, held_out = (
        tuple(region for region in regions if channel_of(region, stack.axes) not in silent)
        for regions in (split.training, split.held_out)
    )
    return replace(split, training=training, held_out=held_out)
