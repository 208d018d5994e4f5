"""Other frames of the scene of a plane, which can serve as repeats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.noise import between
from core.noise.survey import Survey
from core.quality.recorruption import read_plane
from core.stack import Region, Stack


def repeats_of(stack: Stack, region: Region, most: int) -> list[NDArray[np.float64]]:
    """Return the same region of other frames, if all frames show one scene with independent noise.

    Parameters
    ----------
    stack : Stack
        Noisy stack.
    region : tuple of slice
        Region of one plane.
    most : int
        Maximum number of frames.

    Returns
    -------
    list of ndarray, shape (Y, X)
        Pixels in counts of the nearest frames that were recorded completely, the nearest first, since the
        brightness of a scene drifts; none if the frames differ or share their noise.
    """
    survey, count = Survey.of(stack), stack.sizes.get("T", 1)
    if count == 1 or not survey.stands_still() or survey.shared_noise("T") > between.LIMIT:
        return []
    axis = stack.axes.index("T")
    own = region[axis].start
    found: list[NDArray[np.float64]] = []
    for t in sorted((t for t in range(count) if t != own), key=lambda t: abs(t - own)):
        plane, recorded = read_plane(stack, (*region[:axis], slice(t, t + 1), *region[axis + 1 :]))
        if recorded.all():
            found.append(plane)
        if len(found) == most:
            break
    return found
