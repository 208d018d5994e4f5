"""Names of results of several sources in one folder, without collisions."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.paths import is_folder, is_zarr_name, shorten, split_ending

MOST_FOLDERS = 3
"""Folders above a source that its result may be named after."""


def result_names(
    sources: Sequence[Path], suffix: str, ending: str, taken: Mapping[Path, str] | None = None
) -> dict[Path, str]:
    """Return a name for the result of each source, all different even where upper and lower case are equal.

    A name is that of the source; where several are equal, with its ending, then with its folders, then with a
    number.

    Parameters
    ----------
    sources : sequence of Path
        Different files or folders.
    suffix, ending : str
        End of each name, such as "denoised" and ".tif".
    taken : dict of Path to str, optional
        Names that sources have already; they keep them.
    """
    names = dict(taken or {})
    used = {_key(name) for name in names.values()}
    groups: dict[str, list[Path]] = defaultdict(list)
    for source in sources:
        if source not in names:
            groups[_key(_candidates(source)[0])].append(source)
    for group in groups.values():
        levels = zip(*(_candidates(source) for source in group), strict=True)
        chosen = max(levels, key=lambda level: len({_key(stem) for stem in level}))  # the first of equal ones
        for source, stem in zip(group, chosen, strict=True):
            name, number = shorten(stem, f"_{suffix}{ending}"), 1
            while _key(name) in used:
                number += 1
                name = shorten(stem, f"_{suffix}-{number}{ending}")
            used.add(_key(name))
            names[source] = name
    return {source: names[source] for source in sources}


def _candidates(source: Path) -> list[str]:
    """Return possible stems of a name, the shortest first; as many for each source."""
    if is_folder(source) and not is_zarr_name(source):
        stem, ending = source.name, ""
    else:
        stem, ending = split_ending(source)
    full = stem + ending.replace(".", "_")
    folders = [folder.name for folder in source.parents if folder.name][:MOST_FOLDERS]
    found = [stem, full]
    for count in range(1, MOST_FOLDERS + 1):
        above = "_".join(reversed(folders[:count]))
        found += [f"{above}_{stem}", f"{above}_{full}"]
    return found


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
