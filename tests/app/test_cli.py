"""The command line: subcommands, output and exit codes, in this and in another process."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from app.cli.arguments import allowed, default
from app.cli.main import main
from app.cli.terminal import Progress, size, table
from app.shell.durations import clock
from core import checkpoint, params
from core.catalogue import create, methods
from core.errors import QuietfieldError
from core.findings import kinds
from core.methods.apply import evaluate
from core.noise.report import NoiseReport
from core.stack import Stack
from core.work.command_line import USED_BY, option
from core.work.recipe import Recipe

ROOT = Path(__file__).parents[2]
TINY = shlex.split(
    "--width 4 --depth 2 --patch 16 --batch 2 --steps 3 --epoch 3 --warmup 0 --validation-patches 2 "
    "--schedule constant --seconds 0 --threads 1"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a clean and two noisy stacks, and the current one."""
    generator = np.random.default_rng(1)
    y, x = np.mgrid[:40, :48]
    clean = 300 + 200 * np.sin(x / 5) * np.cos(y / 7)
    metadata = {"axes": "TYX", "unit": "um", "finterval": 0.5}
    noisy = generator.poisson(clean, (6, 40, 48)).astype(np.uint16)
    for name, pixels in (("noisy", noisy), ("other", noisy[::-1])):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", pixels, imagej=True, metadata=metadata, resolution=(10, 10)
        )
    tifffile.imwrite(tmp_path / "clean.tif", clean.astype(np.float32), imagej=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str, *more: str) -> int:
    return main([*shlex.split(line), *more])


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


# ------------------------------------------------------------------ asking


def test_info_in_words_and_as_json(folder, capsys):
    assert run("info noisy.tif") == 0
    words = capsys.readouterr().out
    assert "6 T × 40 Y × 48 X, uint16" in words
    assert re.search(r"spacing +.*X 0\.1 µm", words)
    assert run("info noisy.tif --json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["axes"] == "TYX"
    assert facts["shape"] == [6, 40, 48]
    assert facts["spacing"] == pytest.approx({"Y": 0.1, "X": 0.1, "T": 0.5})
    assert facts["recipe"] is None


def test_info_tells_what_was_never_recorded(folder, capsys):
    rng = np.random.default_rng(0)
    stitched = np.pad(rng.poisson(300, (64, 64)).astype(np.uint16), ((0, 0), (0, 32)))
    tifffile.imwrite("stitched.tif", stitched)
    assert run("info stitched.tif --json") == 0
    told = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["code"] for finding in told] == ["pixels-unrecorded"]
    assert told[0]["value"] == pytest.approx(1 / 3, abs=0.01)


def test_info_tells_findings_as_codes_and_sentences(folder, capsys):
    tifffile.imwrite(folder / "white.tif", np.ones((8, 9), np.uint8), photometric="miniswhite")
    assert run("info white.tif --json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert [finding["code"] for finding in facts["findings"]] == ["zero-is-white"]
    assert facts["notes"] == [kinds.ZERO_IS_WHITE.words]


def test_axes_can_be_named(folder, capsys):
    assert run("info noisy.tif --input-axes ZYX --json") == 0
    assert json.loads(capsys.readouterr().out)["axes"] == "ZYX"


def test_methods_lists_every_method_under_its_command(capsys):
    assert run("methods") == 0
    out = capsys.readouterr().out
    for cls in methods():
        assert re.search(rf"^  {cls.name}\b.*{re.escape(cls.label)}", out, re.MULTILINE)
    assert all(f"quietfield {command} " in out for command in USED_BY.values())


@pytest.mark.parametrize("cls", methods(), ids=lambda c: c.name)
def test_methods_shows_every_parameter(cls, capsys):
    assert run(f"methods {cls.name}") == 0
    out = capsys.readouterr().out
    for p in params.describe(cls):
        assert re.search(rf"^{option(p.name)} +{re.escape(default(p))} +{re.escape(allowed(p))}", out, re.M)
    assert run(f"methods {cls.name} --json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert {p["name"]: p["default"] for p in facts["parameters"]} == {
        p.name: p.default for p in params.describe(cls)
    }


@pytest.mark.parametrize("cls", methods(), ids=lambda c: c.name)
def test_help_lists_the_options_of_the_method(cls, capsys):
    assert run(f"{USED_BY[cls.group]} --method {cls.name} --help") == 0
    out = capsys.readouterr().out
    for p in params.describe(cls):
        assert option(p.name) in out


def test_help_and_version(capsys):
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert all(f"  {command} " in out for command in ("info", "denoise", "train", "apply", "measure"))
    assert run("--version") == 0
    assert re.fullmatch(r"quietfield \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_noise_in_words_and_as_json(folder, capsys):
    assert run("noise noisy.tif --quiet") == 0
    words = capsys.readouterr().out
    for title in ("Recommended", "Gain", "Offset", "Read noise", "Photons per pixel", "Correlation"):
        assert re.search(rf"^{title} ", words, re.M)
    assert run("noise noisy.tif --json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "noisy.tif"
    assert NoiseReport.from_dict(told).to_dict() == told
    tifffile.imwrite(folder / "small.tif", np.ones((8, 8), np.uint8))
    assert run("noise small.tif") == 1
    assert "at least 12 x 12" in capsys.readouterr().err


def test_a_flash_is_left_out(folder, capsys):
    rng = np.random.default_rng(0)
    pixels = rng.poisson(200, (12, 64, 64)).astype(np.uint16)
    pixels[5] += 20000
    tifffile.imwrite(folder / "flash.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    assert run("noise flash.tif -q") == 0
    assert "--without-frames 6" in capsys.readouterr().out
    assert run("noise flash.tif -q --without-frames 6") == 0
    found = capsys.readouterr()
    assert "--without-frames" not in found.out
    assert "without frames 6" in found.err
    assert run("denoise flash.tif -o out.tif --method box -q --without-frames 6,1") == 0
    kept = np.delete(pixels, (0, 5), axis=0)
    assert tifffile.imread(folder / "out.tif").shape == kept.shape
    assert tifffile.imread(folder / "out.tif").max() < 1000
    assert run("denoise flash.tif -o no.tif --method box -q --without-frames 13") == 1
    assert "number 13 does not exist" in capsys.readouterr().err
    assert run("denoise flash.tif -o no.tif --method box -q --without-frames x") == 2
    assert run("denoise flash.tif -o no.tif --method box -q --without-planes 1") == 1
    assert "no axis of depth" in capsys.readouterr().err


def test_a_camera_is_calibrated_once_and_used_for_later_stacks(folder, capsys):
    rng = np.random.default_rng(0)
    dark = np.rint(100 + 4 * rng.standard_normal((6, 96, 96)))
    flat = np.rint(100 + 2.5 * rng.poisson(200, (6, 96, 96)) + 4 * rng.standard_normal((6, 96, 96)))
    for name, pixels in (("dark", dark), ("flat", flat), ("cells", flat[:2])):
        tifffile.imwrite(
            folder / f"{name}.tif", pixels.astype(np.uint16), imagej=True, metadata={"axes": "TYX"}
        )
    assert run("camera") == 0
    assert "No camera is calibrated yet" in capsys.readouterr().out
    assert run("camera", "my camera", "--dark", "dark.tif", "--flat", "flat.tif", "-q") == 0
    assert re.search(r"offset +100", capsys.readouterr().out)
    assert run("camera", "my camera", "--dark", "dark.tif") == 1
    assert "already a camera" in capsys.readouterr().err
    assert run("camera --json") == 0
    assert json.loads(capsys.readouterr().out) == {"cameras": ["my camera"]}
    assert run("camera", "my camera", "--json") == 0
    known = json.loads(capsys.readouterr().out)
    assert known["gain"] == pytest.approx(2.5, rel=0.05)
    assert run("noise cells.tif --json -q --camera", "my camera") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["camera"] == "my camera"
    assert told["channels"][0]["camera"]["offset"]["value"] == pytest.approx(known["offset"], rel=1e-4)
    assert run("denoise cells.tif -o out.tif --method instant -q --camera", "my camera") == 0
    assert (folder / "out.tif").exists()
    assert run("denoise cells.tif -o third.tif --method instant -q --camera my") == 1
    assert "There are: my camera" in capsys.readouterr().err
    assert run("camera", "my camera", "--remove") == 0
    assert run("camera", "my camera") == 1
    assert run("camera --remove") == 2


# ------------------------------------------------------------------ processing


def test_denoise_gives_scipys_result_in_the_dtype_of_the_source(folder, capsys):
    assert run("denoise noisy.tif -o out.tif --method gaussian --sigma 2") == 0
    captured = capsys.readouterr()
    noisy, out = tifffile.imread("noisy.tif"), tifffile.imread("out.tif")
    wanted = ndimage.gaussian_filter(noisy.astype(np.float64), (0, 2, 2), mode="reflect")
    assert out.dtype == np.uint16
    assert np.abs(out - wanted).max() <= 0.5 + 1e-2
    told = json.loads(captured.out)
    assert told["path"] == "out.tif"
    assert told["dtype"] == "uint16"
    assert told["clipped"] == 0
    assert "Wrote out.tif" in captured.err
    with tifffile.TiffFile("out.tif") as file:
        assert file.is_imagej
        assert file.series[0].axes == "TYX"
        assert file.imagej_metadata["finterval"] == 0.5


def test_the_error_instant_expects_is_written_where_it_is_asked_for(folder, capsys):
    whole = "denoise noisy.tif --method instant --uncertainty -o"
    assert run(f"{whole} result.tif") == 0
    assert run(f"{whole} error.tif --output expected-error") == 0
    assert tifffile.imread("error.tif").dtype == np.float32, "whole counts would lose most of it"
    result, error = tifffile.imread("result.tif"), tifffile.imread("error.tif")
    assert result.shape == error.shape == tifffile.imread("noisy.tif").shape
    assert 0 < error.mean() < result.mean()
    assert run("apply error.tif noisy.tif -o again.tif --dtype float32") == 0
    np.testing.assert_array_equal(tifffile.imread("again.tif"), error)
    capsys.readouterr()
    assert run("denoise noisy.tif --method instant -o none.tif --output expected-error") == 1
    assert "no output called 'expected-error'. There are: result." in capsys.readouterr().err
    assert not Path("none.tif").exists()


def test_what_is_said_in_the_window_is_said_here(folder, capsys):
    y, x = np.mgrid[:96, :96]
    light = 20 + 15 * np.sin(y / 7) * np.cos(x / 9)
    still = np.random.default_rng(5).poisson(light, (4, 2, 96, 96)).astype(np.uint16)
    tifffile.imwrite("still.tif", still, imagej=True, metadata={"axes": "TCYX"})
    assert run("denoise still.tif -o frames.tif --method instant -q") == 0
    captured = capsys.readouterr()
    (finding,) = json.loads(captured.out)["findings"]  # channels that say the same say it once
    assert (finding["code"], finding["level"]) == ("frames-still", "hint")
    assert finding["proposal"]["params"] == {"neighbours": "mean"}
    assert f"still.tif: {finding['text']}" in captured.err
    assert run("denoise still.tif -o mean.tif --method instant --neighbours mean --dtype float32 -q") == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    wanted = evaluate(Stack.of(still, "TCYX"), create("instant", {"neighbours": "mean"}))[0]
    np.testing.assert_allclose(tifffile.imread("mean.tif"), wanted, atol=1e-3)
    moving = np.stack([np.roll(frame, 5 * i, -1) for i, frame in enumerate(still)])
    tifffile.imwrite("moving.tif", moving, imagej=True, metadata={"axes": "TCYX"})
    assert run("denoise moving.tif -o smeared.tif --method instant --neighbours mean -q") == 0
    captured = capsys.readouterr()
    differing = json.loads(captured.out)["findings"]
    assert json.loads(captured.out)["doubts"] == [finding["text"] for finding in differing]
    assert {finding["code"] for finding in differing} == {"frame-differs"}
    assert all(finding["value"] > finding["limit"] for finding in differing)
    assert all(finding["text"] in captured.err for finding in differing)


def test_float32_and_ome(folder, capsys):
    assert run("denoise noisy.tif -o out.ome.tif --method box --dtype float32 --format ome") == 0
    with tifffile.TiffFile("out.ome.tif") as file:
        assert file.is_ome
        assert file.series[0].dtype == np.float32


def test_a_written_stack_is_a_recipe(folder, capsys):
    assert run("denoise noisy.tif -o out.tif --method median --dtype float32") == 0
    assert run("apply out.tif noisy.tif -o again.tif --dtype float32") == 0
    np.testing.assert_array_equal(tifffile.imread("again.tif"), tifffile.imread("out.tif"))
    capsys.readouterr()
    assert run("info again.tif --json") == 0
    recipe = Recipe.from_json(json.dumps(json.loads(capsys.readouterr().out)["recipe"]))
    assert [s.method for s in recipe.steps] == ["median"]
    assert recipe.source["name"].startswith("noisy")


def test_a_recipe_file_with_two_steps(folder, capsys):
    from core.catalogue import create
    from core.work.recipe import Step

    steps = (Step.of(create("gaussian", {"sigma": 1.0})), Step.of(create("gaussian", {"sigma": 2.0})))
    Path("two.json").write_text(Recipe(steps=steps).to_json())
    assert run("apply two.json noisy.tif -o out.tif --dtype float32") == 0
    noisy = tifffile.imread("noisy.tif").astype(np.float64)
    once = ndimage.gaussian_filter(noisy, (0, 1, 1), mode="reflect")
    twice = ndimage.gaussian_filter(once, (0, 2, 2), mode="reflect")
    np.testing.assert_allclose(tifffile.imread("out.tif"), twice, rtol=1e-5)


def test_several_stacks_go_into_a_folder_and_a_bad_one_stops_no_other(folder, capsys):
    Path("bad.tif").write_text("this is no picture")
    assert run("denoise noisy.tif bad.tif other.tif -o results --method box") == 1
    captured = capsys.readouterr()
    assert names(folder / "results") == {"noisy_denoised.tif", "other_denoised.tif"}
    assert "bad.tif" in captured.err
    assert "Traceback" not in captured.err
    assert [json.loads(line)["source"] for line in captured.out.splitlines()] == ["noisy.tif", "other.tif"]


def test_one_stack_into_a_folder_that_exists(folder, capsys):
    Path("results").mkdir()
    assert run("denoise noisy.tif -o results --method box") == 0
    assert names(folder / "results") == {"noisy_denoised.tif"}


def test_simulated_noise_repeats_with_its_seed(folder, capsys):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run(f"simulate clean.tif -o {name}.tif --method poisson-noise --seed {seed}") == 0
    a, b, c = (tifffile.imread(f"{name}.tif") for name in "abc")
    assert a.dtype == np.float32
    np.testing.assert_array_equal(a, b)
    assert (a != c).mean() > 0.5


def test_measure_in_words_and_as_json(folder, capsys):
    assert run("measure noisy.tif --reference clean.tif --json") == 0
    facts = json.loads(capsys.readouterr().out)
    noisy, clean = tifffile.imread("noisy.tif").astype(float), tifffile.imread("clean.tif").astype(float)
    wanted = 10 * np.log10(np.ptp(clean) ** 2 / ((noisy - clean) ** 2).mean((1, 2)))
    assert [p["psnr"] for p in facts["planes"]] == pytest.approx(list(wanted), abs=1e-6)
    assert facts["mean"]["psnr"] == pytest.approx(wanted.mean(), abs=1e-6)
    assert run("measure noisy.tif --reference clean.tif --planes") == 0
    out = capsys.readouterr().out
    assert "PSNR [dB]" in out
    assert f"{wanted.mean():.2f}" in out
    assert len(out.splitlines()) == 1 + 6 + 1


def test_measure_takes_range_and_fit(folder, capsys):
    assert run("measure noisy.tif --reference clean.tif --data-range 255 --affine --json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["mean"]["data_range"] == 255
    assert facts["affine"] is True


# ------------------------------------------------------------------ networks


def test_train_prints_findings_with_codes_and_values(folder, capsys):
    assert run("train noisy.tif -o net --method n2v", *TINY, "--patch", "512") == 0
    captured = capsys.readouterr()
    smaller = next(f for f in json.loads(captured.out)["findings"] if f["code"] == "patches-smaller")
    assert (smaller["level"], smaller["value"], smaller["unit"]) == ("note", 40, "px")
    assert smaller["text"] in captured.err


def test_train_apply_and_resume(folder, capsys):
    assert run("train noisy.tif -o net --method deconoising --sigma 1 --preset fast", *TINY) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["model"] == "net.quietfield"
    assert told["steps"] == 3
    assert told["loss"] > 0
    assert told["validation"] > 0
    assert told["note"] == " ".join(finding["text"] for finding in told["findings"])
    assert "Wrote net.quietfield after 3 steps" in captured.err

    assert run("apply net.quietfield noisy.tif other.tif -o out --dtype float32") == 0
    assert run("apply net.quietfield noisy.tif -o z.tif --output deconvolved --dtype float32") == 0
    assert names(folder / "out") == {"noisy_denoised.tif", "other_denoised.tif"}
    denoised, deconvolved = tifffile.imread("out/noisy_denoised.tif"), tifffile.imread("z.tif")
    noisy = tifffile.imread("noisy.tif")
    assert denoised.shape == deconvolved.shape == noisy.shape
    blurred = ndimage.gaussian_filter(deconvolved.astype(float), (0, 1, 1), mode="mirror", truncate=4)
    np.testing.assert_allclose(denoised, blurred, rtol=1e-4)  # s = h * z, Goncharova et al. 2020

    assert run("apply z.tif noisy.tif -o again.tif --dtype float32") == 0  # the network lies beside it
    np.testing.assert_array_equal(tifffile.imread("again.tif"), deconvolved)

    capsys.readouterr()
    assert run("train noisy.tif -o net2 --resume net.quietfield --steps 6 --seconds 0") == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 6
    assert (
        run("train noisy.tif -o whole --method deconoising --sigma 1 --seconds 0", *TINY, "--steps", "6") == 0
    )
    assert run("apply net2.quietfield noisy.tif -o r.tif --dtype float32") == 0
    assert run("apply whole.quietfield noisy.tif -o w.tif --dtype float32") == 0
    np.testing.assert_array_equal(tifffile.imread("r.tif"), tifffile.imread("w.tif"))


def test_a_recipe_finds_its_network_in_another_folder(folder, capsys):
    assert run("train noisy.tif -o net --method n2v", *TINY) == 0
    assert run("apply net.quietfield noisy.tif -o out.tif") == 0
    (folder / "models").mkdir()
    (folder / "net.quietfield").rename(folder / "models" / "renamed.quietfield")
    capsys.readouterr()
    assert run("apply out.tif other.tif -o x.tif") == 1
    assert "net.quietfield" in capsys.readouterr().err
    assert run("apply out.tif other.tif -o x.tif --models models") == 0


def test_a_network_that_cannot_be_written_where_it_should_is_kept(folder, capsys, monkeypatch):
    refuge = folder / "temporary"
    refuge.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(refuge))
    write = checkpoint.save_model

    def full(path, model, **options):
        if path.parent != refuge:
            raise QuietfieldError(f"{path} could not be written: the disk is full.")
        return write(path, model, **options)

    monkeypatch.setattr(checkpoint, "save_model", full)
    assert run("train noisy.tif -o net --method n2v", *TINY) == 1
    told = capsys.readouterr().err
    assert "the disk is full" in told
    assert str(refuge / "net.quietfield") in told
    assert checkpoint.load_model(refuge / "net.quietfield").record.steps == 3


def test_a_full_disk_is_noticed_before_the_training(folder, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert run("train noisy.tif -o net --method n2v --steps 1000000") == 1
    assert "0 MB are free" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_output_onto_a_full_disk_is_a_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "app", "methods"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "The output could not be written: its disk is full. Free some space.\n"


@pytest.mark.parametrize(
    "line", ["info ''", "denoise noisy.tif -o '' --method box", "denoise '' -o x.tif --method box"]
)
def test_an_empty_name_is_not_the_current_folder(folder, capsys, line):
    before = names(folder)
    assert run(line) == 2
    assert "the name is empty" in capsys.readouterr().err
    assert names(folder) == before


# ------------------------------------------------------------------ a person's errors


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("info missing.tif", "missing.tif"),
        ("denoise missing.tif -o x.tif --method box", "missing.tif"),
        ("denoise noisy.tif -o clean.tif --method box", "clean.tif exists"),
        ("denoise noisy.tif -o noisy.tif --method box --overwrite", "the source itself"),
        ("denoise noisy.tif -o nowhere/x.tif --method box", "nowhere"),
        ("denoise noisy.tif other.tif -o clean.tif --method box", "clean.tif is a file"),
        ("denoise noisy.tif ./noisy.tif -o results --method box", "both be written"),
        ("denoise noisy.tif -o x.tif --method box --series 3", "3"),
        ("apply noisy.tif noisy.tif -o x.tif", "contains no recipe"),
        ("apply missing.json noisy.tif -o x.tif", "missing.json does not exist"),
        ("apply . noisy.tif -o x.tif", "is a folder"),
        (f"denoise noisy.tif -o {'y' * 300}.tif --method box", "name is too long"),
        (f"denoise {'y' * 300}.tif -o x.tif --method box", "cannot be read"),
        (f"apply {'y' * 300}.json noisy.tif -o x.tif", "does not exist"),
        ("apply garbage.quietfield noisy.tif -o x.tif", "garbage.quietfield"),
        ("apply garbage.json noisy.tif -o x.tif", "recipe"),
        ("measure noisy.tif --reference small.tif", "small.tif"),
        ("train small.tif -o net --method n2v", "small"),
        ("train noisy.tif -o net --method n2v --device abacus", "abacus"),
        ("train noisy.tif -o nowhere/net --method n2v", "nowhere"),
        ("train noisy.tif -o . --method n2v", "is a folder"),
        ("train noisy.tif -o garbage --method n2v", "garbage.quietfield exists"),
        ("train noisy.tif -o loop --method n2v", "leads to itself"),
        ("denoise noisy.tif -o loop.quietfield --method box", "leads to itself"),
    ],
)
def test_errors_are_sentences_and_leave_nothing(folder, capsys, line, words):
    Path("garbage.quietfield").write_bytes(b"garbage")
    Path("loop.quietfield").symlink_to("loop.quietfield")
    Path("garbage.json").write_text('{"some": "thing"}')
    tifffile.imwrite("small.tif", np.ones((3, 3), np.uint8))
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    assert run(line) == 1
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.rstrip().endswith((".", ")"))
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before


def test_overwrite_replaces(folder, capsys):
    assert run("denoise noisy.tif -o clean.tif --method box --overwrite") == 0
    assert tifffile.imread("clean.tif").shape == (6, 40, 48)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "required: COMMAND"),
        ("denoize noisy.tif", "Did you mean 'denoise'?"),
        ("denoise noisy.tif -o x.tif", "--method"),
        ("denoise -o x.tif --method box", "STACK"),
        ("denoise noisy.tif --method box", "-o"),
        ("denoise noisy.tif -o x.tif --method gausian", "Did you mean 'gaussian'?"),
        ("denoise noisy.tif -o x.tif --method n2v", "'quietfield train'"),
        ("denoise noisy.tif -o x.tif --method gaussian --sgima 2", "Did you mean --sigma?"),
        ("denoise noisy.tif -o x.tif --method gaussian --sigma two", "it must be a number"),
        ("denoise noisy.tif -o x.tif --method gaussian --sigma -1", "sigma"),
        ("denoise noisy.tif -o x.tif --method box --dtype int7", "int7"),
        ("train noisy.tif -o x --method n2v --preset fats", "Did you mean 'fast'?"),
        ("train noisy.tif -o x --method n2v --threads 0", "whole number from 1"),
        ("measure noisy.tif --reference clean.tif --data-range -1", "number above 0"),
        ("info noisy.tif extra.tif", "'extra.tif' was not expected"),
    ],
)
def test_misunderstandings_are_usage_errors(folder, capsys, line, words):
    before = names(folder)
    assert run(line) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert "--help' explains" in captured.err
    assert captured.out == ""
    assert names(folder) == before


def test_a_defect_is_reported_with_its_traceback(folder, capsys, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("core.methods.filters.Box.compute", broken)
    assert run("denoise noisy.tif -o x.tif --method box") == 70
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert "Traceback" in err
    assert not Path("x.tif").exists()


# ------------------------------------------------------------------ a process of its own


@contextmanager
def started(line: str, cwd: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program in a process of its own, which ends with the test."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "app", *shlex.split(line), *more],
        cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("line", "banned"),
    [
        ("methods", ("torch", "scipy", "PySide6", "pyqtgraph", "imagecodecs")),
        ("train --method n2v --help", ("torch", "scipy", "PySide6", "pyqtgraph", "imagecodecs")),
        ("denoise noisy.tif -o out.tif --method median", ("torch", "PySide6", "pyqtgraph")),
        ("info noisy.tif", ("torch", "PySide6", "pyqtgraph")),
        ("measure noisy.tif --reference clean.tif", ("torch", "PySide6", "pyqtgraph")),
    ],
)
def test_subcommands_import_no_qt_and_torch_only_for_networks(folder, line, banned):
    code = (
        "import sys\nfrom app.__main__ import main\n"
        f"code = main({shlex.split(line)!r})\n"
        f"found = sorted(set({banned!r}) & set(sys.modules))\n"
        "sys.exit(f'imported {found}' if found else code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_during_an_import_ends_the_program_with_a_sentence(tmp_path, name):
    """Imported modules may catch exceptions, as this one does."""
    (tmp_path / "numpy.py").write_text(
        "import time\n"
        "try:\n    print('importing', flush=True)\n    time.sleep(60)\n"
        "except BaseException:\n    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-m", "app", "info", "x.tif"],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "importing\n"
            process.send_signal(getattr(signal, name))
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 128 + getattr(signal, name)
    assert err.endswith("; no incomplete file is left.\n")
    assert err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no closed terminals")
def test_a_signal_that_its_caller_ignores_stays_ignored(folder):
    """As with nohup, and with Ctrl+C for programs in the background of a script."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", "denoise", "noisy.tif", "-o", "x.tif", "--method", "box"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as process:  # fmt: skip
        for _ in range(10):
            time.sleep(0.05)
            process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_interrupting_a_training_writes_nothing(folder, monkeypatch, name, code):
    temporary = folder / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    before = names(folder)
    endless = [*TINY, "--steps", "10000000", "--epoch", "5", "--seconds", "600"]
    with started("train noisy.tif -o net --method n2v", folder, *endless) as process:
        assert process.stderr is not None
        seen = ""
        while "step" not in seen:  # a line every few seconds; it trains by then
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert list(temporary.iterdir()) == []
    assert out == ""
    assert "no incomplete file" in err
    assert names(folder) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a single process")
def test_interrupting_a_filter_keeps_what_was_there(folder):
    shape, axes, slow = (20000, 128, 128), {"axes": "TYX"}, ("--sigma", "20", "--depth", "8")
    tifffile.memmap("long.tif", shape=shape, dtype=np.uint8, imagej=True, metadata=axes)  # takes no space
    before = names(folder)
    line = "denoise long.tif -o clean.tif --overwrite --method gaussian-3d"
    with started(line, folder, *slow) as process:
        assert process.stderr is not None
        assert "Gaussian blur 3D  " in process.stderr.readline()  # at work, with the share that is done
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert names(folder) == before
    assert tifffile.imread("clean.tif").shape == (40, 48)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break differently on Windows")
def test_a_reader_that_goes_away_is_no_defect(folder):
    with started("methods", folder) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(60) in (0, 141)
    assert err == ""


# ------------------------------------------------------------------ words


def test_progress_rewrites_a_terminals_line_and_else_prints_few():
    class Stream:
        def __init__(self, *, tty: bool) -> None:
            self.text, self.tty = "", tty

        def isatty(self) -> bool:
            return self.tty

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            pass

    time_is = SimpleNamespace(now=100.0)
    for tty in (True, False):
        stream = Stream(tty=tty)
        progress = Progress(stream=stream, now=lambda: time_is.now)  # type: ignore[arg-type]
        context = progress.context("x.tif")
        time_is.now += 6.0
        context.step(0.5, "Median")
        time_is.now += 0.05
        context.step(0.6, "Median")  # too soon after the first
        assert stream.text.count("Median") == 1
        assert stream.text.startswith("\rx.tif: Median  50%, 0:06" if tty else "x.tif: Median  50%, 0:06")
        progress.say("Done.")
        assert stream.text.endswith("\rDone.\n" if tty else "\nDone.\n")


def test_tables_fold_their_last_column():
    rows = [("--sigma", "1", "how far it reaches in pixels along both axes")]
    assert table(rows, right=False, width=40).splitlines() == [
        "--sigma  1  how far it reaches in pixels",
        "            along both axes",
    ]


def test_words_for_times_and_sizes():
    assert [clock(s) for s in (0, 7.4, 130, 3730)] == ["0:00", "0:07", "2:10", "1:02:10"]
    assert [size(n) for n in (12, 4096, 13_107_200, 4.6e9)] == ["12 bytes", "4.1 kB", "13.1 MB", "4.6 GB"]
    assert table([("", "a"), ("long", "b")]) == "      a\nlong  b"


def test_a_specimen_is_simulated_with_its_truth(folder, capsys):
    line = "simulate -o cells.tif --specimen nuclei --kind volume --size 64 --planes 3 --photons 12 --seed 4"
    assert run(line) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["truth"] == "cells_truth.tif"
    noisy, truth = tifffile.imread("cells.tif").astype(float), tifffile.imread("cells_truth.tif")
    assert noisy.shape == truth.shape == (3, 64, 64)
    assert truth.dtype == np.float32
    # the camera: 4 counts a photon, 100 counts offset, 1.5 photons read noise
    wanted = 4 * (truth - 100.0) + 16 * 1.5**2
    assert ((noisy - truth) ** 2).mean() == pytest.approx(wanted.mean(), rel=0.05)
    assert run(line) == 1  # it exists
    assert run(f"{line} --overwrite") == 0
    np.testing.assert_array_equal(tifffile.imread("cells.tif"), noisy)


def test_simulate_says_what_is_missing_or_wrong(folder, capsys):
    assert run("simulate clean.tif -o out.tif") == 2
    assert "--method" in capsys.readouterr().err
    assert run("simulate -o out.tif --truth out.tif") == 2
    assert run("simulate -o out.tif --specimen unicorns") == 2
    assert "unicorns" in capsys.readouterr().err
    assert run("simulate -o out.tif --photons 0") == 2
    assert names(folder) == {"noisy.tif", "other.tif", "clean.tif"}
    capsys.readouterr()
    assert run("simulate --help") == 0
    assert "--specimen" in capsys.readouterr().out
    assert run("simulate --method poisson-noise --help") == 0
    assert "--specimen" not in capsys.readouterr().out
