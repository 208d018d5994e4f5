"""Batches: which files they find, the memory of their workers, and workers that end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core import catalogue, machine, memory
from core.errors import QuietfieldError
from core.files.gathering import gather, without_parts
from core.progress import Context
from core.work.batch import Batch, choose_workers, run_batch, task_bytes
from core.work.executors import Executor, Failed, Here, Outcome, WorkerEnded
from core.work.manifest import Manifest, Row
from core.work.recipe import Recipe, Step
from core.work.task import Notify, Source, Task

MEDIAN = Step.of(catalogue.create("median", {"size": 3}))


def write(path: Path, side: int = 16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).poisson(50, (2, side, side)).astype(np.uint16)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX"})
    return path


def test_folders_and_patterns_are_expanded_in_natural_order(tmp_path: Path) -> None:
    names = ("p10.tif", "p9.TIF", "x.nd2", "deep/p1.tif", "out/p_denoised.tif", ".hidden.tif", "text.txt")
    for name in (*names, "cells.oif", "cells.oif.files/s_C001.tif"):
        write(tmp_path / name)

    def found(*given: str) -> list[str]:
        paths = gather([tmp_path / name for name in given], without=tmp_path / "out")
        return [path.relative_to(tmp_path).as_posix() for path in paths]

    assert found("") == ["cells.oif", "p9.TIF", "p10.tif", "x.nd2", "deep/p1.tif"]
    assert found("*.tif", "p9.TIF", "p10.tif") == ["p10.tif", "p9.TIF"]
    assert found("**/p*") == ["deep/p1.tif", "p9.TIF", "p10.tif"]
    assert found("text.txt", "missing.tif", "*.lif") == ["text.txt", "missing.tif", "*.lif"]


def test_files_of_one_stack_are_one_source(tmp_path: Path) -> None:
    """Two files of a multi-file OME-TIFF, written by hand after the OME-TIFF specification."""
    names, plane = ("a.ome.tif", "b.ome.tif"), np.arange(256, dtype=np.uint16).reshape(16, 16)
    data = "".join(
        f'<TiffData FirstT="{t}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{name[0] * 8}-'
        f"1111-1111-1111-111111111111</UUID></TiffData>"
        for t, name in enumerate(names)
    )
    for name in names:
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/'
            f'2016-06" UUID="urn:uuid:{name[0] * 8}-1111-1111-1111-111111111111"><Image ID="Image:0"><Pixels '
            'ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="16" SizeY="16" SizeZ="1" SizeC="1" '
            f'SizeT="2"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / name, plane, description=xml, metadata=None)
    other = write(tmp_path / "c.tif")
    paths = gather([tmp_path])
    assert len(paths) == 3
    assert without_parts(paths) == (tmp_path / "a.ome.tif", other)


def test_as_many_workers_as_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path / "small.tif"), write(tmp_path / "large.tif", 512), tmp_path / "missing.tif"]
    batch = Batch(
        recipe=Recipe(steps=(MEDIAN, MEDIAN)), sources=tuple(Source(path=path) for path in paths),
        folder=tmp_path / "out", suffix="denoised",
    )  # fmt: skip
    each = task_bytes(batch.recipe, 2 * 512 * 512)
    assert each - task_bytes(Recipe(steps=(MEDIAN,)), 2 * 512 * 512) == 4 * 2 * 512 * 512
    for available, workers in ((10 * each, 4), (3 * each - 1, 2), (each // 2, 1)):
        monkeypatch.setattr(memory, "available_memory", lambda available=available: available)
        assert choose_workers(batch, 4) == workers
    assert machine.available_memory() > 0


class Losing(Here):
    """Loses its workers at the second task, as if memory ran out: no later task gets a result."""

    def run(
        self, tasks: Sequence[Task], context: Context | None = None, *, notify: Notify | None = None
    ) -> Iterator[Outcome]:
        yield from super().run(tasks[:1], context, notify=notify)
        yield from (Failed(task=task, error=WorkerEnded("Ended.")) for task in tasks[1:])


@pytest.mark.parametrize("executor", [Losing()])
def test_a_worker_that_ends_fails_no_other_file(tmp_path: Path, executor: Executor) -> None:
    paths = [write(tmp_path / name) for name in ("a.tif", "b.tif", "c.tif")]
    paths[1].write_bytes(b"no image")
    batch = Batch(
        recipe=Recipe(steps=(MEDIAN,)), sources=tuple(Source(path=path) for path in paths),
        folder=tmp_path / "out", suffix="denoised",
    )  # fmt: skip
    rows = list(run_batch(batch, executor))
    assert [row.state for row in rows] == ["done", "failed", "done"]
    assert "not an image of a known format" in rows[1].error
    assert (tmp_path / "out" / "c_denoised.tif").exists()


def test_a_manifest_keeps_names_of_any_bytes() -> None:
    row = Row(source="/data/\udcff\n,=.tif", result="a.tif", error='"quoted", and µ')
    manifest = Manifest(rows=(row,))
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert manifest.to_csv().encode("utf-8").count(b"\\udcff") == 1
    with pytest.raises(QuietfieldError, match="later Quietfield"):
        Manifest.from_json('{"schema": 9, "rows": []}')
