from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.documents.exporting import Export, default_path, export
from core.errors import QuietfieldError
from core.files import open_stack, read_recipe
from core.methods.apply import apply
from core.progress import Cancelled, Context
from core.stack import Stack
from core.work.networks import Networks
from core.work.recipe import Recipe, Step
from core.work.task import run
from tests.app.test_main_window import make
from tests.driver import Driver


@pytest.fixture
def source(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(3).poisson(300, (5, 2, 24, 32)).astype(np.uint16)
    metadata = {"axes": "TCYX", "unit": "um", "finterval": 0.5, "spacing": 1.0}
    tifffile.imwrite(
        tmp_path / "cells.tif", pixels, imagej=True, metadata=metadata, resolution=(1 / 0.108, 1 / 0.108)
    )
    return tmp_path / "cells.tif"


def gaussian(sigma: float = 1.5) -> Step:

    return Step(method="gaussian", version=1, params={"sigma": sigma, "axes": "YX"})


def wanted(source: Path, path: Path, **changes) -> Export:
    stack = open_stack(source)
    step = gaussian()
    (result,) = apply(stack, step.method_for())
    return Export(**{"path": path, "stack": result, "source": stack, "steps": (step,), **changes})


def open_dialog(driver: Driver):
    driver.trigger("export")
    return driver.widget("export-dialog")


# -- the whole loop, by hand ------------------------------------------------------------------


def test_drop_filter_undo_redo_export_reopen(driver, source):
    """From a dropped file to an exported one: pixels, metadata and recipe are right."""
    session = driver.window.session
    driver.drop(source)
    driver.method("gaussian")
    driver.set("gaussian-sigma", "1.5")
    driver.click("filter-apply")
    driver.wait(lambda: len(session.snapshot.results) == 2)
    assert driver.widget("results").count() == 2
    driver.trigger("undo")
    assert driver.widget("results").count() == 1
    driver.trigger("redo")
    assert driver.widget("results").count() == 2

    dialog = open_dialog(driver)
    target = source.with_name("cells_denoised.tif")
    assert driver.widget("export-path").text() == str(target)
    assert dialog.type_box.currentText() == "as the source (uint16)"
    driver.click("export-accept")
    driver.wait(target.exists)
    message = driver.window.message
    assert message.isVisible()
    assert "Saved cells_denoised.tif" in message.words.text()
    driver.shot("exported")

    raw, back = open_stack(source), open_stack(target)
    assert (back.axes, back.dtype, back.shape) == ("TCYX", np.uint16, raw.shape)
    assert back.meta.spacing == pytest.approx(raw.meta.spacing)
    recipe = Recipe.from_json(read_recipe(target))
    assert [(s.method, s.params) for s in recipe.steps] == [("gaussian", {"sigma": 1.5, "axes": "YX"})]
    (expected,) = apply(raw, recipe.steps[0].method_for())
    np.testing.assert_array_equal(back.read(), np.rint(expected.read()).clip(0, 65535).astype(np.uint16))
    assert recipe.source["name"] == "cells.tif"
    sidecar = json.loads(target.with_name("cells_denoised.tif.json").read_text(encoding="utf-8"))
    assert sidecar["steps"] == json.loads(read_recipe(target))["steps"]

    # The exported file carries what it takes to do the same again, here and elsewhere.
    driver.answers.paths["recipe"] = target
    driver.trigger("run-recipe")
    driver.wait(lambda: len(session.snapshot.results) == 3)
    np.testing.assert_array_equal(session.snapshot.result.stack.read(), expected.read())
    shown = []
    driver.window.announcer.show_folder = shown.append
    driver.click("message-action")
    assert shown == [source.parent]


def test_dialog_takes_another_name_instead_of_overwriting(driver, source):
    taken = source.with_name("cells_denoised.tif")
    taken.write_bytes(b"precious")
    driver.drop(source)
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    dialog = open_dialog(driver)
    assert dialog.path_edit.text() == str(source.with_name("cells_denoised-2.tif"))
    driver.set("export-path", taken)
    assert "the new file will be called cells_denoised-2.tif" in dialog.hint.text()
    driver.choose("export-format", "OME-TIFF")
    assert dialog.path_edit.text().endswith("cells_denoised.ome.tif")
    driver.choose("export-format", "ImageJ")
    driver.choose("export-type", "float32")
    driver.click("export-sidecar")
    driver.click("export-accept")
    driver.wait(source.with_name("cells_denoised-2.tif").exists)
    assert taken.read_bytes() == b"precious"
    assert open_stack(source.with_name("cells_denoised-2.tif")).dtype == np.float32
    assert not list(source.parent.glob("*.json"))
    assert driver.window.preferences.current.export_type == "float32"
    assert not driver.window.preferences.current.export_sidecar


def test_dialog_refuses_what_cannot_be_written(driver, source):
    driver.drop(source)
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    dialog = open_dialog(driver)
    driver.set("export-path", "")
    assert not dialog.export_button.isEnabled()
    driver.set("export-path", source.parent / "nowhere" / "a.tif")
    assert not dialog.export_button.isEnabled()
    assert "does not exist" in dialog.hint.text()
    driver.set("export-path", source.parent / "plain name")
    assert dialog.target == source.parent / "plain name.tif"
    dialog.choose_file = lambda proposed: str(source.parent / "chosen.tif")
    driver.click("export-browse")
    assert dialog.path_edit.text() == str(source.parent / "chosen.tif")
    dialog.reject()


def test_result_undone_while_the_dialog_is_open(driver, source):
    driver.drop(source)
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    dialog = open_dialog(driver)
    driver.window.session.undo()
    driver.click("export-accept")
    assert "was undone meanwhile" in dialog.hint.text()
    assert dialog.isVisible()
    dialog.reject()


def test_dialog_says_that_whole_counts_lose_most_of_an_error(driver, source):
    driver.drop(source)
    session = driver.window.session
    raw = session.snapshot.results[0]
    steps = [
        Step(method="instant", version=1, params={"uncertainty": True}, output=output)
        for output in ("result", "expected error")
    ]
    session.add(raw.key, steps, [raw.stack, raw.stack], 0.0)
    dialog = open_dialog(driver)
    for row, pixels, said in ((0, 0, False), (1, 0, True), (1, 1, False)):
        dialog.result_box.setCurrentIndex(row)
        dialog.type_box.setCurrentIndex(pixels)
        assert ("float32 keeps it" in dialog.hint.text()) == said
    dialog.reject()


def test_failed_export_is_a_sentence_and_leaves_nothing(driver, source, monkeypatch):
    def full(*words, **more):
        raise QuietfieldError("cells.tif could not be written: the disk is full.")

    monkeypatch.setattr("core.files.save_stack", full)
    driver.drop(source)
    driver.filter()
    driver.wait(lambda: len(driver.window.session.snapshot.results) == 2)
    open_dialog(driver)
    driver.click("export-accept")
    driver.wait(lambda: driver.window.message.isVisible())
    assert "the disk is full" in driver.window.message.words.text()
    assert [p.name for p in source.parent.iterdir()] == ["cells.tif"]


# -- without a window -------------------------------------------------------------------------


def test_cancelled_export_leaves_nothing(source, tmp_path):
    context = Context(lambda fraction, text: context.cancel() if fraction > 0.3 else None)
    with pytest.raises(Cancelled):
        export(wanted(source, tmp_path / "out.tif"), context)
    assert [p.name for p in tmp_path.iterdir()] == ["cells.tif"]


def test_failing_sidecar_takes_the_stack_back(source, tmp_path, monkeypatch):
    def fail(path, text, taken):
        raise QuietfieldError("no room")

    monkeypatch.setattr("core.files.atomic.write_text", fail)
    with pytest.raises(QuietfieldError, match="no room"):
        export(wanted(source, tmp_path / "out.tif"))
    assert [p.name for p in tmp_path.iterdir()] == ["cells.tif"]


def test_clipped_pixels_are_reported(source, tmp_path):
    given = wanted(source, tmp_path / "out.tif", dtype="uint16")
    pixels = given.stack.read()
    pixels[0, 0, :2] = 70000.0
    exported = export(
        Export(path=given.path, dtype="uint16", stack=Stack.of(pixels, "TCYX"), source=given.source, steps=())
    )
    assert "64" in exported.message
    assert "clip" in exported.message


def test_measures_stand_in_the_sidecar(source, tmp_path):
    from core.quality.metrics import measure

    image = np.random.default_rng(0).normal(size=(16, 16))
    measures = measure(image + 0.1, image)
    exported = export(wanted(source, tmp_path / "o.tif", measures=measures, reference="mean of 5 frames"))
    whole = json.loads(exported.others[0].read_text(encoding="utf-8"))
    assert whole["measures"]["psnr"] == pytest.approx(measures["psnr"])
    assert whole["measures"]["reference"] == "mean of 5 frames"
    assert Recipe.from_json(read_recipe(exported.others[0])).steps[0].method == "gaussian"


def test_default_path(tmp_path):
    documents = tmp_path / "documents"
    documents.mkdir()

    def proposed(path: Path | None, format="imagej") -> Path:
        return default_path(Stack.of(np.ones((4, 4)), "YX", name="sample", path=path), format, documents)

    folder = tmp_path / "data"
    folder.mkdir()
    assert proposed(folder / "a.ome.tif") == folder / "a_denoised.tif"
    assert proposed(folder / "a.ome.tif", "ome") == folder / "a_denoised.ome.tif"
    assert proposed(folder) == tmp_path / "data_denoised.tif"
    assert proposed(None) == documents / "sample_denoised.tif"
    assert proposed(tmp_path / "gone" / "a.tif") == documents / "a_denoised.tif"
    (folder / "a_denoised.tif").touch()
    assert proposed(folder / "a.tif") == folder / "a_denoised-2.tif"
    from resources import FOLDER

    assert proposed(FOLDER / "samples" / "convallaria.tif").parent == documents


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user without all rights")
def test_default_path_beside_a_write_protected_source(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    make(folder / "a.tif")
    folder.chmod(0o500)
    assert default_path(open_stack(folder / "a.tif"), documents=tmp_path) == tmp_path / "a_denoised.tif"


def test_default_path_where_the_folder_cannot_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr("app.documents.exporting.writable", lambda folder: folder == tmp_path)
    stack = Stack.of(np.ones((4, 4)), "YX", name="a.tif", path=Path("/media/card/a.tif"))
    assert default_path(stack, documents=tmp_path) == tmp_path / "a_denoised.tif"


def test_network_is_saved_beside_the_export_and_found_again(source, tmp_path):
    """A recipe with a network runs again from the exported files alone, with the same pixels."""
    from app.documents.networks import model_file
    from app.documents.recipes import network_task, recipe_task
    from core.catalogue import find
    from core.checkpoint import load_model, sha256
    from core.learning.trainer import Trainer
    from core.params import build, describe

    stack = open_stack(source)
    cls = find("n2v")
    names = {p.name for p in describe(cls)}
    small = {
        "steps": 4, "epoch": 2, "width": 8, "depth": 2, "patch": 16, "batch": 2, "validation_patches": 2,
        "precision": "float32",
    }  # fmt: skip
    method = build(cls, {k: v for k, v in small.items() if k in names})
    trainer = Trainer(stack, method, device="cpu", threads=1)
    for _ in trainer.run():
        pass
    model = trainer.model()
    file = model_file(model, "cells.tif")
    operation = model.prediction("cpu")
    (result, *_) = apply(stack, operation)
    step = Step.of(method, file, operation.outputs[0])
    folder = tmp_path / "out"
    folder.mkdir()
    exported = export(
        Export(path=folder / "a.tif", stack=result, source=stack, steps=(step,), models={file.sha256: model})
    )
    assert [p.name for p in exported.others] == [file.file, "a.tif.json"]
    assert sha256(folder / file.file) == file.sha256

    networks = Networks(folders=(folder,))
    (again,) = run(recipe_task(folder / "a.tif", stack), networks=networks).made
    np.testing.assert_array_equal(again.stack.read(), result.read())
    assert file.sha256 in networks.models
    (direct,) = run(network_task(folder / file.file, stack, networks), networks=networks).made
    np.testing.assert_array_equal(direct.stack.read(), result.read())
    assert direct.step.model == file

    # What was loaded and saved again is the same file, so that recipes still find it by its content.
    second = export(
        Export(
            path=folder / "b" / "a.tif", stack=result, source=stack, steps=(step,),
            models={file.sha256: load_model(folder / file.file)},
        ) if (folder / "b").mkdir() is None else None
    )  # fmt: skip
    assert sha256(second.others[0]) == file.sha256

    # A taken name is no reason to overwrite another network.
    third = folder / "c"
    third.mkdir()
    (third / file.file).write_bytes(b"another network")
    made = export(
        Export(path=third / "a.tif", stack=result, source=stack, steps=(step,), models={file.sha256: model})
    )
    assert (third / file.file).read_bytes() == b"another network"
    (found,) = run(recipe_task(third / "a.tif", stack), networks=Networks(folders=(third,))).made
    np.testing.assert_array_equal(found.stack.read(), result.read())
    assert made.others[0].name != file.file


def test_recipe_without_its_network_is_refused_with_a_sentence(source, tmp_path):
    from app.documents.recipes import recipe_task

    model = {"file": "gone.quietfield", "sha256": "00"}
    step = {"method": "n2v", "version": 1, "params": {}, "model": model, "output": "denoised"}
    text = json.dumps({"quietfield": "0.1", "schema": 1, "source": {}, "steps": [step]})
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    with pytest.raises(QuietfieldError, match=r"gone\.quietfield"):
        run(recipe_task(tmp_path / "r.json", open_stack(source)))
    (tmp_path / "e.json").write_text('{"schema": 1, "steps": []}', encoding="utf-8")
    with pytest.raises(QuietfieldError, match="no steps"):
        recipe_task(tmp_path / "e.json", open_stack(source))
    with pytest.raises(QuietfieldError, match="no recipe"):
        recipe_task(source, open_stack(source))


def test_recipe_result_is_dropped_when_another_file_was_opened(driver, source, tmp_path, monkeypatch):
    go = threading.Event()
    from app.documents import recipes

    original = recipes.recipe_task

    def slow(*words):
        go.wait(10)
        return original(*words)

    monkeypatch.setattr(recipes, "recipe_task", slow)
    recipe = tmp_path / "r.json"
    recipe.write_text(Recipe(steps=(gaussian(),)).to_json(), encoding="utf-8")
    driver.drop(source)
    driver.window.tasks.run_recipe(recipe)
    driver.window.open_paths([make(tmp_path / "other.tif")])
    session = driver.window.session
    driver.qtbot.waitUntil(lambda: session.snapshot.source.stack.meta.name == "other.tif", timeout=10000)
    go.set()
    driver.wait()
    assert len(session.snapshot.results) == 1
