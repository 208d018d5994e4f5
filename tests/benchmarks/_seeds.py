"""Small files of every kind that Quietfield reads, from which mutants are made."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import tifffile

from core.catalogue import create
from core.checkpoint import encode
from core.model_file import ModelFile
from core.noise.model_text import NoiseModels, to_text
from core.noise.models import PoissonGaussian
from core.psf.files import whole_text
from core.psf.value import gaussian
from core.stack import Stack
from core.work.history import History
from core.work.recipe import Recipe, Step
from tests.data import DATA

LARGEST = 20_000
"""Size in bytes up to which files of other programs are mutated."""

SCIFIO = (
    "SCIFIO=0.42.0\naxes=X,Y,Z,Channel\nlengths=12,10,3,2\nscales=0.25,0.25,1.5,1.0\n"
    "units=\\u00B5m,\\u00B5m,\\u00B5m,null\nbitsPerPixel=12\nimages=6\nchannels=2\nslices=3\n"
)
SIGNED = "ImageJ=1.53t\nimages=6\nslices=6\nspacing=-0.5\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n"


def tiffs() -> list[tuple[str, bytes]]:
    """Return names and contents of TIFF files."""
    rng = np.random.default_rng(0)
    five = rng.integers(0, 4000, (2, 3, 2, 10, 12)).astype(np.uint16)
    stack, plane = five[0, :, 0], five[0, 0, 0]
    byte = (plane // 16).astype(np.uint8)
    about = {
        "axes": "TZCYX",
        "Info": "x" * 50,
        "Labels": ["a"] * 12,
        "Ranges": (0.0, 1.0, 2.0, 3.0),
        "unit": "um",
    }
    text = {"photometric": "minisblack", "metadata": None}
    six = five.reshape(12, 10, 12)[:6]
    calls: dict[str, tuple[Any, dict[str, Any]]] = {
        "ij.tif": (five, {"imagej": True, "metadata": about}),
        "ij-be.tif": (five, {"imagej": True, "byteorder": ">", "metadata": {"axes": "TZCYX"}}),
        "ij-signed.tif": (six, {"description": SIGNED, **text}),
        "scifio.tif": (six, {"description": SCIFIO, **text}),
        "ome.ome.tif": (five, {"metadata": {"axes": "TZCYX", "PhysicalSizeX": 0.1, "TimeIncrement": 2.0}}),
        "ome-big.ome.tif": (five, {"bigtiff": True, "metadata": {"axes": "TZCYX"}, "compression": "zlib"}),
        "shaped.tif": (stack, {}),
        "tiles.tif": (np.repeat(np.repeat(stack, 3, 1), 3, 2), {"tile": (16, 16), "compression": "lzw"}),
        "pages.tif": (stack, text),
        "float.tif": (plane.astype(np.float32), {"compression": "zlib", "predictor": 3}),
        "predictor.tif": (plane, {"compression": "zlib", "predictor": 2}),
        "double.tif": (plane.astype(np.float64), {}),
        "rgb.tif": (np.stack([byte] * 3, -1), {"photometric": "rgb"}),
        "bits.tif": (byte > 100, {"bitspersample": 1}),
    }
    for compression in (
        "jpeg",
        "jpeg2000",
        "jpegxl",
        "webp",
        "png",
        "zstd",
        "lzma",
        "lerc",
        "packbits",
        "jpegxr",
    ):
        calls[f"{compression}.tif"] = (
            np.stack([byte] * 3, -1),
            {"photometric": "rgb", "compression": compression},
        )
    found = []
    for name, (pixels, options) in calls.items():
        file = io.BytesIO()
        tifffile.imwrite(file, pixels, ome=name.endswith(".ome.tif") or None, **options)
        found.append((name, file.getvalue()))
    file = io.BytesIO()
    with tifffile.TiffWriter(file, ome=True) as writer:
        large = np.repeat(np.repeat(stack, 3, 1), 3, 2)
        options = {"tile": (16, 16), "compression": "zlib"}
        writer.write(large, metadata={"axes": "CYX"}, subifds=1, **options)
        writer.write(large[:, ::2, ::2], subfiletype=1, **options)
    found.append(("pyramid.ome.tif", file.getvalue()))
    others = sorted(
        path for path in (DATA / "tiff_torture").rglob("*") if path.suffix.lower() in (".tif", ".tiff")
    )
    return found + [(path.name, path.read_bytes()) for path in others if 0 < path.stat().st_size <= LARGEST]


def recipes() -> list[Any]:
    """Return recipes as documents."""
    network = ModelFile(file="n.quietfield", sha256="0" * 64)
    named = [("gaussian", None), ("median-3d", None), ("box", None), ("instant", None), ("n2v", network)]
    steps = [Step.of(create(name, {}), model) for name, model in named]
    source = {"name": "a.tif", "axes": "TYX", "shape": [3, 16, 16], "dtype": "uint16", "sha256": "0" * 64}
    pairs = [(steps[n], steps[(n + 1) % len(steps)]) for n in range(len(steps))]
    return [json.loads(Recipe(steps=pair, source=source).to_json()) for pair in pairs]


def histories() -> list[Any]:
    """Return histories as documents."""
    steps = [Step.of(create(name, {})) for name in ("gaussian", "median", "box-3d")]
    history = History().do(0, *steps[:2]).do(1, steps[2])
    return [json.loads(one.to_json()) for one in (history, history.undo())]


def psfs() -> list[Any]:
    """Return PSFs as documents."""
    return [json.loads(whole_text(gaussian(1.2, 1.0, spacing={"X": 0.1, "Y": 0.1})))]


def noise_models() -> list[Any]:
    """Return noise models as documents."""
    models = NoiseModels(channels=(PoissonGaussian(gain=2.0, constant=9.0),) * 2, source="frames")
    return [json.loads(to_text(models))]


def networks() -> list[bytes]:
    """Return files of networks that were trained for three steps."""
    from core.learning.trainer import Trainer

    rng = np.random.default_rng(0)
    stack = Stack.of((rng.poisson(50, (3, 64, 64)) + 100).astype(np.uint16), "TYX", name="s")
    found = []
    for name, more in (("n2v", {}), ("n2v2", {"neighbours": "T"}), ("deconoising", {}), ("structn2v", {})):
        given = {
            "width": 8,
            "depth": 2,
            "patch": 16,
            "steps": 3,
            "seconds": 0.0,
            "batch": 1,
            "epoch": 2,
            **more,
        }
        trainer = Trainer(stack, create(name, given), device="cpu", threads=1)  # type: ignore[arg-type]
        for _ in trainer.run():
            pass
        found.append(encode(trainer.model()))
    return found
