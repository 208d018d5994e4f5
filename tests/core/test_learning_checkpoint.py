import json
import os
import pickle
import struct
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

from core import params
from core.checkpoint import KEY, load_model, room, save_model
from core.errors import QuietfieldError
from core.findings import Finding, kinds
from core.fingerprint import fingerprint
from core.learning.methods import DecoNoising, Noise2Void
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.methods.outputs import DECONVOLVED
from core.model_file import ModelFile
from core.work.networks import Networks
from core.work.recipe import Recipe, Step
from core.work.task import Task, run
from tests.core.learning_data import scene, small, trained


@pytest.fixture(scope="module")
def stack():
    return scene()[0]


@pytest.fixture(scope="module")
def model(stack):
    return trained(stack, small(DecoNoising, keep="best"))[0]


def test_a_fresh_process_can_use_a_network(tmp_path, model):
    """Nothing else needs to have put the methods on their list."""
    path = tmp_path / "network.quietfield"
    save_model(path, model)
    code = "import sys, pathlib; from core.checkpoint import load_model; "
    code += "print(load_model(pathlib.Path(sys.argv[1])).method.label)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == model.method.label


def test_a_file_gives_back_the_model(tmp_path, stack, model):
    path = tmp_path / "network.quietfield"
    described = save_model(path, model)
    assert described.file == "network.quietfield"
    again = load_model(path)
    assert again.method == model.method
    assert again.normalisation == model.normalisation
    assert again.record == model.record
    for mine, theirs in zip(
        evaluate(stack, again.prediction("cpu")), evaluate(stack, model.prediction("cpu")), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert [p.name for p in tmp_path.iterdir()] == ["network.quietfield"]


def test_findings_are_kept_beside_the_note_that_older_versions_read(tmp_path, model):
    found = (Finding(kind=kinds.PATCHES_SMALLER, value=28.0, unit="px"), Finding(kind=kinds.NOTHING_HELD_OUT))
    note = " ".join(finding.text for finding in found)
    record = replace(model.record, findings=found, note=note)
    path = tmp_path / "network.quietfield"
    save_model(path, replace(model, record=record))
    assert load_model(path).record == record

    def older(whole):
        assert whole["record"]["note"] == note
        written = whole["record"].pop("findings")
        assert [finding["code"] for finding in written] == ["patches-smaller", "nothing-held-out"]

    change(path, older)  # as the version before wrote it
    assert load_model(path).record == replace(record, findings=())


def test_same_model_same_bytes(tmp_path, model):
    first, second = (save_model(tmp_path / f"{n}.quietfield", model) for n in "ab")
    assert first.sha256 == second.sha256


def test_training_goes_on_from_a_file_bit_for_bit(tmp_path, stack):
    method = small(DecoNoising, epoch=2, keep="best", average=0.0)
    whole, _ = trained(stack, method)
    first = Trainer(stack, method, device="cpu")
    run = first.run()
    for report in run:
        if report.step >= 4:
            break
    run.close()
    path = tmp_path / "half.quietfield"
    save_model(path, first.model())
    second = Trainer(stack, method, device="cpu")
    second.restore(load_model(path))
    list(second.run())
    resumed = second.model()
    assert all(torch.equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)
    assert whole.record.curve == resumed.record.curve


def test_a_file_without_the_trainers_state_is_smaller(tmp_path, model):
    save_model(tmp_path / "a", model)
    save_model(tmp_path / "b", model, resumable=False)
    assert (tmp_path / "b").stat().st_size < (tmp_path / "a").stat().st_size / 3
    assert load_model(tmp_path / "b").resume is None


def test_a_recipe_runs_again_with_the_same_pixels(tmp_path, stack, model):
    folder = tmp_path / "models"
    folder.mkdir()
    file = save_model(folder / "network.quietfield", model)
    steps = (Step.of(model.method, file, DECONVOLVED),)
    text = Recipe(steps=steps, source=fingerprint(stack)).to_json()
    expected = evaluate(stack, model.prediction("cpu"))[1]
    task = Task(recipe=Recipe.from_json(text), source=stack, networks=(folder,), device="cpu")
    result = run(task).made[0].stack
    np.testing.assert_array_equal(result.read(), expected)
    (folder / "network.quietfield").rename(folder / "renamed.quietfield")
    result = run(replace(task, networks=(tmp_path, folder))).made[0].stack
    np.testing.assert_array_equal(result.read(), expected)


def test_networks_that_are_not_there_are_asked_for(tmp_path, model):
    file = save_model(tmp_path / "network.quietfield", model)
    with pytest.raises(QuietfieldError, match="content differs"):
        Networks(folders=(tmp_path,)).find(ModelFile(file=file.file, sha256="0" * 64))
    with pytest.raises(QuietfieldError, match="which is not in"):
        Networks(folders=(tmp_path,)).find(ModelFile(file="other.quietfield", sha256="0" * 64))


def change(path, edit):
    """Write a network file again with other metadata."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    whole = json.loads(header["__metadata__"][KEY])
    edit(whole)
    header["__metadata__"][KEY] = json.dumps(whole)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


def newer(whole):
    whole["schema"] += 1


def newer_method(whole):
    whole["method"]["version"] += 1


def unknown_method(whole):
    whole["method"]["name"] = "gaussian-blur-of-nobody"


def wider(whole):
    whole["method"]["params"]["width"] = 16


def without_normalisation(whole):
    del whole["normalisation"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (newer, "later Quietfield"),
        (newer_method, "version 2"),
        (unknown_method, "no method called"),
        (wider, "damaged"),
        (without_normalisation, "damaged"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, model, edit, words):
    path = tmp_path / "network.quietfield"
    save_model(path, model)
    change(path, edit)
    with pytest.raises(QuietfieldError, match=words):
        load_model(path)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_nothing_pickled_is_ever_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weights": Bomb()}, tmp_path / "torch.quietfield")
    (tmp_path / "pickle.quietfield").write_bytes(pickle.dumps(Bomb()))
    for name in ("torch", "pickle"):
        with pytest.raises(QuietfieldError, match="cannot be read as a trained network"):
            load_model(tmp_path / f"{name}.quietfield")
    assert not (tmp_path / "exploded").exists()


def test_foreign_and_broken_files_are_refused(tmp_path, model):
    save_file({"weight": torch.zeros(3)}, tmp_path / "foreign.quietfield")
    with pytest.raises(QuietfieldError, match="not a network trained by Quietfield"):
        load_model(tmp_path / "foreign.quietfield")
    path = tmp_path / "network.quietfield"
    save_model(path, model)
    content = path.read_bytes()
    for broken in (b"", content[:100], content[: len(content) // 2], b"II*\0" + content):
        path.write_bytes(broken)
        with pytest.raises(QuietfieldError, match=r"network\.quietfield"):
            load_model(path)
    with pytest.raises(QuietfieldError, match="no file"):
        load_model(tmp_path / "none.quietfield")
    with pytest.raises(QuietfieldError):
        load_model(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path, model):
    path = tmp_path / "network.quietfield"
    save_model(path, model, resumable=False)
    whole = json.dumps(json.loads(_metadata(path)))
    tensors = {f"weights.{n}": torch.full_like(t, torch.nan) for n, t in model.weights.items()}
    path.write_bytes(save(tensors, {KEY: whole}))
    with pytest.raises(QuietfieldError, match="not finite"):
        load_model(path)


def _metadata(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length])["__metadata__"][KEY]


def test_the_description_is_readable_json(tmp_path, model):
    path = tmp_path / "network.quietfield"
    save_model(path, model)
    whole = json.loads(_metadata(path))
    assert whole["method"]["name"] == "deconoising"
    assert whole["method"]["params"] == params.values(model.method)
    expected = {
        "kind": "unet", "width": 8, "depth": 3, "pooling": "max", "top_skip": True, "inputs": 1, "samples": 0,
        "variational": False, "space": "2D", "deep": 0,
    }  # fmt: skip
    assert whole["architecture"] == expected
    assert whole["record"]["source"]["name"] == "scene"


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path, model):
    with pytest.raises(QuietfieldError, match="folder does not exist"):
        save_model(tmp_path / "none" / "network.quietfield", model)


def test_loaded_method_is_of_its_class(tmp_path, stack):
    save_model(tmp_path / "n.quietfield", trained(stack, small(Noise2Void, steps=1))[0])
    assert type(load_model(tmp_path / "n.quietfield").method) is Noise2Void


@pytest.mark.parametrize(
    "wrong",
    [{"std": [0.0]}, {"std": [-1.0]}, {"std": [], "mean": []}, {"mean": [1.0, 2.0]}, {"fill": float("nan")}],
)
def test_a_normalisation_that_makes_no_sense_is_refused(tmp_path, model, wrong):
    path = tmp_path / "network.quietfield"
    save_model(path, model, resumable=False)
    whole = json.loads(_metadata(path))
    whole["normalisation"].update(wrong)
    path.write_bytes(save({f"weights.{n}": t for n, t in model.weights.items()}, {KEY: json.dumps(whole)}))
    with pytest.raises(QuietfieldError, match=r"network\.quietfield is damaged .*normalisation"):
        load_model(path)


def test_the_room_a_file_needs_is_known_before(tmp_path, model):
    path = tmp_path / "network.quietfield"
    save_model(path, model)
    assert path.stat().st_size <= room(model.method) < 3 * path.stat().st_size
