"""What is added from outside works everywhere, without a line changed elsewhere.

A method, a metric and an executor are defined here, added to their lists, and used in the registry, on the
command line and in a form. Readers are in tests/core/test_files_readers.py, a learned method with an
objective of its own in tests/core/test_learning_parts.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from core import catalogue
from core.methods.base import Block, Filter, named
from core.params import param
from core.progress import Context
from core.quality import metrics
from core.quality.metric import Metric
from core.work import executors
from core.work.executors import Here

NOISY = np.random.default_rng(4).poisson(60, (3, 24, 32)).astype(np.uint16)


@named("scaled", label="Scaled")
@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled(Filter):
    """Multiply every pixel."""

    factor: float = param(2.0, "Factor", ge=0.0, le=10.0, help="What every pixel is multiplied by.")

    def halo(self, axes: str) -> Mapping[str, int]:
        return {}

    def compute(self, block: Block, context: Context) -> tuple[NDArray[np.generic], ...]:
        return (self.factor * block.pixels,)


LARGEST = Metric(
    name="largest_error", label="Largest error", unit="counts", better="lower",
    definition="Largest absolute difference to the reference.",
    compute=lambda planes: float(np.abs(planes.image - planes.reference).max()),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Backwards(Here):
    """Run tasks in this process, the last one first."""

    name: ClassVar[str] = "backwards"
    label: ClassVar[str] = "Backwards"

    def run(self, tasks, context=None, *, notify=None):  # type: ignore[no-untyped-def]
        yield from Here().run(tasks[::-1], context, notify=notify)


@pytest.fixture
def added() -> Iterator[None]:
    catalogue.add(Scaled)
    metrics.add(LARGEST)
    executors.add(Backwards)
    yield
    catalogue.remove("scaled")
    metrics.remove("largest_error")
    executors.remove("backwards")


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    path = tmp_path / "noisy.tif"
    tifffile.imwrite(path, NOISY, imagej=True, metadata={"axes": "TYX"})
    return path
