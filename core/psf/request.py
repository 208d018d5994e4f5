"""Texts that ask for a PSF, as on the command line and in recipes.

``gaussian:1.2``, ``gaussian:x=1.2,y=1,z=2.5``: standard deviations in pixels. ``optics:na=1.4,n=1.515``: from
the optics; what is missing is read from the metadata of the stack. ``estimate``: from the pixels of the
stack. ``beads:PATH`` or ``beads:diameter=0.1,PATH``: from an image of beads, with their diameter in
micrometres. ``file:PATH`` or a path: a PSF saved by
Quietfield. A text that begins with a brace holds a whole PSF, as embedded in trained networks.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from core import params, stored
from core.errors import QuietfieldError
from core.params import Value
from core.progress import Context
from core.psf.value import Psf, from_text, gaussian
from core.stack import Metadata, Stack

HELP = (
    "gaussian:1.2 (standard deviation in pixels; gaussian:x=1.2,y=1), optics:na=1.4,n=1.515,emission=520 "
    "(what is missing is read from the metadata), estimate (from the pixels of the stack), beads:FILE.tif "
    "(an image of beads; beads:diameter=0.1,FILE.tif with their diameter in µm), or a file of a PSF"
)  # fmt: skip
"""The possible texts, for help."""

NEEDED = ("na", "n", "emission", "pixel")
"""Parameters of the optics that must be given or known from the metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A parsed text.

    Attributes
    ----------
    source : {"gaussian", "optics", "estimate", "beads", "file", "whole"}
        Origin of the PSF.
    numbers : dict of str to value
        Parameters of the optics, or the diameter of beads.
    path : str
        File of a PSF, or of beads.
    whole : Psf or None
        PSF that needs no stack.
    """

    source: str
    numbers: Mapping[str, Value] = field(default_factory=dict)
    path: str = ""
    whole: Psf | None = None


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Request:
    """Parse a text that asks for a PSF.

    Raises
    ------
    QuietfieldError
        If the text is none; the message names the possible texts.
    """
    word = text.strip()
    if word.startswith("{"):
        return Request(source="whole", whole=from_text(word))
    name, colon, rest = word.partition(":")
    if name == "gaussian" and colon:
        whole = _gaussian(rest)
        return Request(source="gaussian", whole=whole)
    if name == "optics":
        return Request(source="optics", numbers=_optics(rest))
    if word == "estimate":
        return Request(source="estimate")
    if name == "beads" and rest.strip():
        return _beads(rest.strip())
    if name == "file" and rest.strip():
        return Request(source=name, path=rest.strip())
    if word.lower().endswith((".tif", ".tiff", ".json")):
        return Request(source="file", path=word)
    raise QuietfieldError(f"{stored.brief(text)} describes no PSF. Possible are: {HELP}.")


def known_psf(text: str) -> Psf | None:
    """Return the PSF that a text describes without a stack or file; None if it needs one."""
    return parse(text).whole


def brief(text: str) -> str:
    """Describe a text that asks for a PSF for people, such as "PSF from optics, FWHM 2.1 px"."""
    if not text.strip():
        return "Gaussian of this sigma"
    try:
        known = known_psf(text)
    except QuietfieldError:
        return text
    return text if known is None else known.brief


def resolve(text: str, stack: Stack, context: Context) -> Psf:
    """Return the PSF that a text asks for, on the pixel grid of a stack.

    Parameters
    ----------
    text : str
        See `parse`.
    stack : Stack
        Stack whose pixel size and metadata are used.
    context : Context
        Progress and cancellation.

    Raises
    ------
    QuietfieldError
        If the text is none, something is missing, or the PSF cannot be made.
    """
    request = parse(text)
    context.step(0.0, "Computing the PSF")
    if request.whole is not None:
        return request.whole
    if request.source == "optics":
        made = optics_of(request.numbers, stack.meta)
    elif request.source == "estimate":
        from core.psf.estimate import estimate_sigma

        made = replace(estimate_sigma(stack, context).psf, spacing=_lateral(stack.meta))
    elif request.source == "beads":
        from core.files import open_stack
        from core.psf.beads import psf_from_beads

        diameter = float(request.numbers.get("diameter", 0.0))
        made = psf_from_beads(open_stack(Path(request.path)), stack.meta.spacing, context, diameter=diameter)
    else:
        from core.psf.files import load_psf

        made = load_psf(request.path, stack.meta.spacing)
    return replace(made, request=text.strip())


def _lateral(meta: Metadata) -> dict[str, float]:
    return {axis: meta.spacing[axis] for axis in "YX" if axis in meta.spacing}


def optics_of(numbers: Mapping[str, Value], meta: Metadata, context: Context | None = None) -> Psf:
    """Return the PSF from optics, some of whose parameters are read from metadata.

    Raises
    ------
    QuietfieldError
        If a necessary parameter is neither given nor known.
    """
    from core.psf.metadata import find_optics
    from core.psf.optics import Optics, from_optics

    whole = {**find_optics(meta), **numbers}
    missing = [name for name in NEEDED if name not in whole]
    if missing:
        described = {p.name: p for p in params.describe(Optics)}
        words = " and ".join(f"{described[name].label.lower()} ({name}=…)" for name in missing)
        raise QuietfieldError(
            f"The metadata of {meta.name} do not give the {words}. Add what is missing, such as "
            "optics:na=1.4,n=1.515,emission=520,pixel=0.1."
        )
    return from_optics(params.build(Optics, whole), context)


def _gaussian(rest: str) -> Psf:
    if "=" not in rest:
        return gaussian(_number(rest, "gaussian:1.2"))
    given = {axis: _number(word, "gaussian:x=1.2,y=1") for axis, word in _pairs(rest)}
    wrong = [axis for axis in given if axis not in ("x", "y", "z")]
    if wrong or "x" not in given:
        raise QuietfieldError(
            f"gaussian:{rest} is no Gaussian PSF: name x, and y and z if they differ, as in "
            "gaussian:x=1.2,y=1,z=2.5."
        )
    lateral = (given.get("y", given["x"]), given["x"])
    return gaussian(given["z"], *lateral) if "z" in given else gaussian(*lateral)


def _beads(rest: str) -> Request:
    if not rest.startswith("diameter="):
        return Request(source="beads", path=rest)
    word, comma, path = rest.removeprefix("diameter=").partition(",")
    diameter = _number(word, "beads:diameter=0.1,FILE.tif")
    if not (comma and path.strip() and math.isfinite(diameter) and diameter >= 0):
        raise QuietfieldError(
            f"beads:{rest} is not understood; write a diameter of 0 µm or more and the file, such as "
            "beads:diameter=0.1,FILE.tif."
        )
    return Request(source="beads", numbers={"diameter": diameter}, path=path.strip())


def _optics(rest: str) -> dict[str, Value]:
    from core.psf.optics import Optics

    known = {p.name: p for p in params.describe(Optics)}
    found: dict[str, Value] = {}
    for name, word in _pairs(rest):
        if name not in known:
            raise QuietfieldError(params.unknown("parameter of the optics", name, known))
        found[name] = known[name].parse(word)
    return found


def _pairs(rest: str) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, (piece.strip() for piece in rest.split(","))):
        name, equals, word = part.partition("=")
        if not equals:
            raise QuietfieldError(f"{part!r} is not understood; write name=value, separated by commas.")
        found.append((name.strip().lower(), word.strip()))
    return found


def _number(word: str, example: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise QuietfieldError(f"{word!r} is not a number; write, for example, {example}.") from None
