"""CARE: predict a clean stack from a noisy one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from core.learning.papers import WEIGERT_2018
from core.learning.seeing import Seeing
from core.methods.base import named

if TYPE_CHECKING:  # imports torch, which takes seconds
    from core.learning.parts.examples import Examples
    from core.learning.parts.setup import Setup


@named("care", label="CARE", group="learned")
@dataclass(frozen=True, slots=True, kw_only=True)
class Care(Seeing):
    """Predict clean images from noisy ones, trained with a clean stack of the same field.

    Content-aware image restoration, Weigert et al. 2018 (doi:10.1038/s41592-018-0216-7). The clean
    stack, recorded with more light or averaged over many frames, must have the same pixels as the noisy one.
    Both are normalised separately, and results have the intensity scale of the clean stack.
    """

    citations: ClassVar[tuple[str, ...]] = (WEIGERT_2018,)
    needs_target: ClassVar[bool] = True

    def examples(self, setup: Setup) -> Examples:
        """Return pairs of noisy and clean images."""
        from core.learning.parts.examples import CleanImages

        return CleanImages(setup)
