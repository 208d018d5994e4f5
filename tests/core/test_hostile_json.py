"""Recipes, histories and networks in whose descriptions somebody wrote anything anywhere."""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import save

from core.catalogue import create
from core.checkpoint import KEY, load_model, save_model
from core.errors import QuietfieldError
from core.files import open_stack, read_recipe, save_stack
from core.learning.methods import DecoNoising
from core.learning.model import Model
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.model_file import ModelFile
from core.noise.model_text import NoiseModels, to_text
from core.noise.model_text import from_text as models_from_text
from core.noise.models import PoissonGaussian
from core.psf.files import whole_text
from core.psf.value import from_text as psf_from_text
from core.psf.value import gaussian
from core.stack import Stack
from core.work.history import MOST_ENTRIES, History
from core.work.recipe import MOST_STEPS, Recipe, Step
from core.work.task import Source, Target, Task, run
from tests import evil
from tests.core.learning_data import scene, small

STACK = Stack.of(np.arange(3 * 16 * 16, dtype=np.uint16).reshape(3, 16, 16), "TYX", name="a.tif")
NETWORK = ModelFile(file="n.quietfield", sha256="0" * 64)
STEPS = (
    Step.of(create("gaussian", {})), Step.of(create("median-3d", {})), Step.of(create("n2v", {}), NETWORK),
)  # fmt: skip


def outcome(work: Callable[[], object]) -> str:
    """What becomes of work: "" or the sentence of its refusal, which has the length of a sentence."""
    sentence = ""
    try:
        work()
    except QuietfieldError as error:
        sentence = str(error)
    assert len(sentence) < 1000
    assert sentence.isprintable()
    return sentence


def everywhere(document: Any) -> list[str]:
    """The document as JSON with every value in every place, and without every place."""
    found = [evil.put(document, at, value) for at in evil.places(document) for value in evil.VALUES]
    found += [evil.without(document, at) for at in evil.places(document)]
    return [json.dumps(one) for one in found]


def test_anything_anywhere_in_a_recipe_is_a_sentence_or_runs() -> None:
    def use(text: str) -> None:
        for step in Recipe.from_json(text).steps:
            step.method_for(lambda file: create("box", {}))
            assert step.label
            assert isinstance(step.details + step.parameters, str)

    whole = json.loads(Recipe(steps=STEPS, source={"name": "a", "shape": [1, 2]}).to_json())
    told = [outcome(lambda text=text: use(text)) for text in everywhere(whole)]
    assert "" in told
    assert len({sentence[:60] for sentence in told}) > 30


def test_anything_anywhere_in_a_history_is_a_sentence_or_undone() -> None:
    def use(text: str) -> None:
        history = History.from_json(text)
        for index in range(len(history.entries)):
            assert all(step.label for step in history.steps(index))
        assert history.undo().redo().live

    whole = json.loads(History().do(0, *STEPS[:2]).do(1, STEPS[2]).undo().to_json())
    told = [outcome(lambda text=text: use(text)) for text in everywhere(whole)]
    assert "" in told
    assert len({sentence[:70] for sentence in told}) > 20


def test_anything_anywhere_in_a_psf_or_a_noise_model_is_a_sentence_or_used() -> None:
    def use(text: str) -> None:
        psf = psf_from_text(text)
        assert psf.brief
        assert psf.plane.kernel.sum() == pytest.approx(1, abs=1e-3)
        assert isinstance(psf.undersampled, tuple)

    def use_models(text: str) -> None:
        for model in models_from_text(text, "m.json").channels:
            assert np.isfinite(model.variance(np.array([1.0, 100.0]))).all()

    psf = json.loads(whole_text(gaussian(1.2, 1.0, spacing={"X": 0.1, "Y": 0.1})))
    made = NoiseModels(channels=(PoissonGaussian(gain=2.0, constant=9.0),), source="frames")
    for document, work in ((psf, use), (json.loads(to_text(made)), use_models)):
        texts = everywhere(document)
        told = [outcome(lambda t=text, w=work: w(t)) for text in random.Random(1).sample(texts, 200)]
        assert "" in told
        assert len(set(told)) > 20


@pytest.mark.parametrize("ends", ["[]", "{}"])
@pytest.mark.parametrize("depth", [40, 990, 100_000])
@pytest.mark.parametrize("read", [Recipe.from_json, History.from_json])
def test_nested_descriptions_are_refused(read: Callable[[str], object], depth: int, ends: str) -> None:
    inner = evil.nested(depth, ends)
    for text in (inner, f'{{"schema": 1, "steps": [{inner}]}}', f'{{"schema": 1, "entries": {inner}}}'):
        with pytest.raises(QuietfieldError, match=r"not .* Quietfield .*deeply"):
            read(text)


def test_the_number_of_steps_is_bounded(tmp_path: Path) -> None:
    whole = json.loads(Recipe(steps=STEPS[:1]).to_json())
    step, path = whole["steps"][0], tmp_path / "r.json"
    assert len(Recipe.from_json(json.dumps(whole | {"steps": [step] * MOST_STEPS})).steps) == MOST_STEPS
    for count in (MOST_STEPS + 1, 20_000):
        with pytest.raises(QuietfieldError, match=f"{count:,} entries; at most {MOST_STEPS} are possible"):
            Recipe.from_json(json.dumps(whole | {"steps": [step] * count}))
    entry = {"step": step, "parent": 0, "action": 1}
    for count, words in ((MOST_ENTRIES + 1, "at most 1,000"), (10**5, "characters")):
        with pytest.raises(QuietfieldError, match=words):
            History.from_json(json.dumps({"schema": 1, "cursor": 0, "entries": [entry] * count}))
    path.write_text(json.dumps(whole | {"steps": [step] * 10**5}), encoding="utf-8")
    with pytest.raises(QuietfieldError, match="a file of its kind has 4 MB at most"):
        read_recipe(path)


def test_a_chain_of_steps_keeps_no_results_that_are_only_on_the_way(tmp_path: Path) -> None:
    save_stack(tmp_path / "a.tif", STACK)
    recipe = Recipe(steps=STEPS[:1] * 6)
    done = run(
        Task(recipe=recipe, source=Source(path=tmp_path / "a.tif"), target=Target(path=tmp_path / "b.tif"))
    )
    assert done.made == ()
    assert len(run(Task(recipe=recipe, source=STACK)).made) == 6


@pytest.mark.parametrize("name", ["r.json", "r.tif", "r.ome.tif"])
def test_recipes_in_files_are_bounded(tmp_path: Path, name: str) -> None:
    good = Recipe(steps=STEPS[:1]).to_json()
    for text, found in (
        (good, True),
        (evil.nested(50_000), False),
        ('{"schema": 1', False),
        ("\u00e9", False),
    ):
        path = tmp_path / name
        if name == "r.json":
            path.write_text(text, encoding="utf-8")
        elif name == "r.tif":
            info = f"Processed\nQuietfield recipe:\n{text}\nand more"
            tifffile.imwrite(path, STACK.read(), imagej=True, metadata={"axes": "TYX", "Info": info})
        else:
            save_stack(path, STACK, recipe=text, taken="replace")
        assert bool(read_recipe(path)) is found


def test_a_damaged_recipe_is_not_replaced_by_an_older_one(tmp_path: Path) -> None:
    """The older one did not make these pixels."""
    good = Recipe(steps=STEPS[:1]).to_json()
    info = f"Quietfield recipe:\n{good}\nQuietfield recipe:\n{good[:-9]}"
    tifffile.imwrite(tmp_path / "a.tif", STACK.read(), imagej=True, metadata={"axes": "TYX", "Info": info})
    assert read_recipe(tmp_path / "a.tif") == ""
    assert open_stack(tmp_path / "a.tif").planes == 3


@pytest.mark.skipif(os.name != "posix", reason="pipes as on Linux and macOS")
def test_pipes_are_no_recipes_and_no_networks(tmp_path: Path) -> None:
    for name, read in (("p.json", read_recipe), ("p.tif", read_recipe), ("p.quietfield", load_model)):
        os.mkfifo(tmp_path / name)
        with pytest.raises(QuietfieldError, match="a device or a pipe"):
            read(tmp_path / name)


# ---------------------------------------------------------------------- networks


@pytest.fixture(scope="module")
def model() -> Model:
    trainer = Trainer(scene()[0], small(DecoNoising, keep="best", depth=2), device="cpu")
    for report in trainer.run():
        if report.step >= 5:
            break
    return trainer.model()


@pytest.fixture(scope="module")
def content(model: Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("network") / "n.quietfield"
    save_model(path, model)
    return path.read_bytes()


def parts(content: bytes) -> tuple[dict[str, Any], Any, bytes]:
    """Header, description and tensors of the file of a network."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    return header, json.loads(header["__metadata__"][KEY]), content[8 + length :]


def joined(header: dict[str, Any], description: str, body: bytes) -> bytes:
    text = json.dumps(header | {"__metadata__": {KEY: description}}).encode()
    return struct.pack("<Q", len(text)) + text + body


def use(path: Path) -> None:
    """Apply a network, and train it further."""
    loaded, stack = load_model(path), scene()[0]
    assert all(
        np.isfinite(image).all() for image in evaluate(stack, loaded.prediction("cpu"), stack.region(T=0))
    )
    assert loaded.record.note is not None
    assert all(finding.text for finding in loaded.record.findings)
    if loaded.resume is not None:
        trainer = Trainer(stack, loaded.method, device="cpu")
        trainer.restore(loaded)
        for report in trainer.run():
            if report.step > loaded.record.steps:
                break


def test_anything_anywhere_in_the_description_of_a_network(tmp_path: Path, content: bytes) -> None:
    header, whole, body = parts(content)
    path, told = tmp_path / "n.quietfield", []
    for text in random.Random(2).sample(everywhere(whole), 400):
        path.write_bytes(joined(header, text, body))
        told.append(outcome(lambda: load_model(path)))
    assert "" in told
    assert len({sentence[:80] for sentence in told}) > 40


def test_networks_that_are_loaded_can_be_used_and_trained(tmp_path: Path, content: bytes) -> None:
    header, whole, body = parts(content)
    path, told = tmp_path / "n.quietfield", []
    for seed in range(8):
        draw = random.Random(seed)
        at = draw.choice([at for at in evil.places(whole["resume"]) if "source" not in at])
        changed = evil.put(whole, ("resume", *at), draw.choice((0, 1, 7)))
        path.write_bytes(joined(header, json.dumps(changed), body))
        told.append(outcome(lambda: use(path)))
    assert told.count("") >= 5
    assert all("is damaged" in sentence for sentence in told if sentence)


@pytest.mark.parametrize(
    ("name", "value"),
    [("width", 10**9), ("width", -4), ("width", "16"), ("depth", 60), ("depth", 2.5), ("width", 2.0**70),
     ("batch", 10**9), ("patch", 0)],
)  # fmt: skip
def test_absurd_networks_are_refused_before_anything_is_allocated(
    tmp_path: Path, content: bytes, name: str, value: object
) -> None:
    header, whole, body = parts(content)
    path = tmp_path / "n.quietfield"
    path.write_bytes(joined(header, json.dumps(evil.put(whole, ("method", "params", name), value)), body))
    with pytest.raises(QuietfieldError, match=rf"n\.quietfield cannot be used: .*\({name}\) is"):
        load_model(path)
    if name in whole["architecture"]:
        path.write_bytes(joined(header, json.dumps(evil.put(whole, ("architecture", name), value)), body))
        with pytest.raises(QuietfieldError, match=r"n\.quietfield is damaged \(.*do not fit.*" + name):
            load_model(path)


def test_a_network_of_terabytes_is_refused_by_its_header(tmp_path: Path, content: bytes) -> None:
    """The largest network that parameters allow has weights that are not in the file."""
    _, whole, _ = parts(content)
    for key, part in (("width", 256), ("depth", 5)):
        whole["method"]["params"][key] = whole["architecture"][key] = part
    path = tmp_path / "n.quietfield"
    path.write_bytes(save({"weights.end.weight": torch.zeros(1)}, {KEY: json.dumps(whole)}))
    with pytest.raises(QuietfieldError, match="do not fit"):
        load_model(path)


@pytest.mark.parametrize("part", ["weights", "network", "averaged", "best", "optimiser", "generator"])
@pytest.mark.parametrize("change", ["gone", "shape", "type", "nan", "inf", "renamed"])
def test_damaged_tensors_are_refused(
    tmp_path: Path, model: Model, content: bytes, part: str, change: str
) -> None:
    _, whole, _ = parts(content)
    (tmp_path / "n.quietfield").write_bytes(content)
    from safetensors.torch import load_file

    tensors = load_file(tmp_path / "n.quietfield")
    names = sorted(name for name in tensors if name.startswith(part) and not name.endswith("step"))
    name = names[0]
    if change == "gone":
        del tensors[name]
    elif change == "shape":
        tensors[name] = tensors[name].reshape(-1)[:-1]
    elif change == "type":
        tensors[name] = tensors[name].to(torch.float16)
    elif change == "renamed":
        tensors[part + ".99999999999999999999.step" if part != "generator" else "x"] = tensors.pop(name)
    elif part == "generator":
        tensors[name] = torch.full_like(tensors[name], 255)
    else:
        tensors[name].view(-1)[0] = float(change)
    (tmp_path / "n.quietfield").write_bytes(save(tensors, {KEY: json.dumps(whole)}))
    with pytest.raises(QuietfieldError, match=r"n\.quietfield is damaged"):
        load_model(tmp_path / "n.quietfield")


@pytest.mark.parametrize("length", [0, 7, 8, 9, 100, 5000, -1])
def test_truncated_networks_are_refused(tmp_path: Path, content: bytes, length: int) -> None:
    (tmp_path / "n.quietfield").write_bytes(content[:length])
    with pytest.raises(QuietfieldError, match=r"n\.quietfield cannot be read as a trained network"):
        load_model(tmp_path / "n.quietfield")


def test_weights_that_overflow_end_in_a_sentence_not_in_invented_pixels(
    tmp_path: Path, content: bytes
) -> None:
    from safetensors.torch import load_file

    _, whole, _ = parts(content)
    path = tmp_path / "n.quietfield"
    path.write_bytes(content)
    tensors = load_file(path)
    tensors["weights.end.bias"][0] = 3e38
    path.write_bytes(save(tensors, {KEY: json.dumps(whole)}))
    stack = scene()[0]
    with pytest.raises(QuietfieldError, match="values that are not finite"):
        evaluate(stack, load_model(path).prediction("cpu"), stack.region(T=0))
