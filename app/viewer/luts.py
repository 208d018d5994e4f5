"""Look-up tables: the colour of each grey level."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.uint8]
"""Red, green and blue of every grey level from dark to bright, shape (256, 3), 0 to 255."""

FROM_FILE = "From file"

_FIRE = (
    (0, 0, 1, 25, 49, 73, 98, 122, 146, 162, 173, 184, 195, 207, 217, 229, 240, 252, *[255] * 14),
    (*[0] * 13, 14, 35, 57, 79, 101, 117, 133, 147, 161, 175, 190, 205, 219, 234, 248, *[255] * 4),
    (0, 61, 96, 130, 165, 192, 220, 227, 210, 181, 151, 122, 93, 64, 35, 5, *[0] * 11, 35, 98, 160, 223, 255),
)
_ICE = (
    (0, 0, 0, 0, 0, 0, 19, 29, 50, 48, 79, 112, 134, 158, 186, 201, 217, 229, 242, 250, 250, 250, 250, 251,
     250, 250, 250, 250, 251, 251, 243, 230),
    (156, 165, 176, 184, 190, 196, 193, 184, 171, 162, 146, 125, 107, 93, 81, 87, 92, 97, 95, 93, 93, 90, 85,
     69, 64, 54, 47, 35, 19, 0, 4, 0),
    (140, 147, 158, 166, 170, 176, 209, 220, 234, 225, 236, 246, 250, 251, 250, 250, 245, 230, 230, 222, 202,
     180, 163, 142, 123, 114, 106, 94, 84, 64, 26, 27),
)  # fmt: skip
# The 32 published colours of ImageJ's tables: red, green and blue.

_VIRIDIS = (
    "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d "
    "2f6b8e 2c728e 297a8e 26828e 23898e 21918c 1f978b 1f9f88 21a685 27ad81 31b57b "
    "3dbc74 4cc26c 5cc863 6ece58 81d34d 95d840 aadc32 c0df25 d5e21a eae51a fde725"
)
_MAGMA = (
    "000004 030312 0a0822 130d34 1d1147 29115a 36106b 440f76 51127c 5d177f 6a1c81 "
    "762181 832681 902a81 9c2e7f aa337d b73779 c23b75 cf4070 db476a e55064 ee5b5e "
    "f4695c f9785d fb8761 fd9668 fea571 feb47b fec287 fed194 fde0a1 fceeb0 fcfdbf"
)
# Every eighth colour of matplotlib's CC0 colormaps; linear interpolation is within 2 of the originals.

_DIVERGING = "163a6b 2a63a8 4f86bd 7b93ad 9a9a9a b9a68c e0a860 f7c46c fff0cf"
# From dark blue over mid grey to pale orange: the sign is visible in lightness and in hue.


def _hexadecimal(text: str) -> NDArray[np.float64]:
    return np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in text.split()], np.float64)


def _spread(colours: NDArray[np.float64]) -> Table:
    """Interpolate linearly between equally spaced colours, with the first and last at the ends."""
    at = np.linspace(0, 255, len(colours)).round()
    lines = [np.interp(np.arange(256), at, colours[:, i]) for i in range(3)]
    spread: Table = np.stack(lines, axis=1).round().astype(np.uint8)
    return spread


def _imagej(colours: tuple[tuple[int, ...], ...]) -> Table:
    """Interpolate with ImageJ's spacing: colour k is grey level 8 k, and the last colour fills the rest."""
    at = np.arange(len(colours[0])) * (256 / len(colours[0]))
    lines = [np.interp(np.arange(256), at, c) for c in colours]
    spread: Table = np.stack(lines, axis=1).astype(np.uint8)
    return spread


def _primary(red: int, green: int, blue: int) -> Table:
    ramp: Table = np.arange(256, dtype=np.uint8)[:, None] * np.array([red, green, blue], np.uint8)
    return ramp


@lru_cache(maxsize=32)
def table(name: str) -> Table:
    """Return the look-up table with a name of `app.shell.view_state.LUTS`, or "difference"; else Grays.

    Returns
    -------
    ndarray, shape (256, 3), uint8
        Not to be modified.
    """
    match name:
        case "Fire":
            found = _imagej(_FIRE)
        case "Ice":
            found = _imagej(_ICE)
        case "Green":
            found = _primary(0, 1, 0)
        case "Magenta":
            found = _primary(1, 0, 1)
        case "Cyan":
            found = _primary(0, 1, 1)
        case "viridis":
            found = _spread(_hexadecimal(_VIRIDIS))
        case "magma":
            found = _spread(_hexadecimal(_MAGMA))
        case "difference":
            found = _spread(_hexadecimal(_DIVERGING))
        case _:
            found = _primary(1, 1, 1)
            if name == "HiLo":  # blue at and below the lower level, red at and above the upper
                found[0], found[255] = (0, 0, 255), (255, 0, 0)
    found.setflags(write=False)
    return found


def from_file(lut: NDArray[np.uint8]) -> Table:
    """Return the look-up table of a file, (3, 256) uint8 as ImageJ stores it."""
    return np.ascontiguousarray(np.asarray(lut, np.uint8).reshape(3, 256).T)


def pack(lut: Table) -> NDArray[np.uint32]:
    """Return the colours of a table as opaque 0xffRRGGBB, shape (256,), uint32."""
    wide = lut.astype(np.uint32)
    return np.uint32(0xFF000000) | wide[:, 0] << np.uint32(16) | wide[:, 1] << np.uint32(8) | wide[:, 2]
