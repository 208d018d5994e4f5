"""The subcommand ``compare``, as a person types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.cli.main import main
from tests.core.test_quality_judge import camera


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    noisy, truth = camera(20)
    tifffile.imwrite(tmp_path / "noisy.tif", noisy.astype(np.uint16))
    tifffile.imwrite(tmp_path / "clean.tif", truth.astype(np.float32))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    return main(["compare", "noisy.tif", "--quiet", *words])


FEW = ("--methods", "median", "gaussian", "instant")


def test_the_ranking_without_a_reference_is_that_with_one(folder, capsys):
    assert run("--json", *FEW, "--reference", "clean.tif") == 0
    with_reference = json.loads(capsys.readouterr().out)
    assert run("--json", *FEW) == 0
    without = json.loads(capsys.readouterr().out)
    names = [[one["step"]["method"] for one in told["methods"]] for told in (with_reference, without)]
    assert names[0] == names[1]
    for told in (with_reference, without):
        assert [one["place"] for one in told["methods"]] == [1, 2, 3]
    best = with_reference["methods"][0]
    low, high = best["estimate"]["interval"]
    # the range of the reference is not that of the estimate
    shift = 20 * np.log10(best["metrics"]["data_range"] / best["estimate"]["range"])
    assert low - 1 < best["metrics"]["psnr"] - shift < (high or 99) + 1
    assert "estimated error" in without["verdict"]
    assert "reference" in with_reference["verdict"]
    assert without["methods"][0]["metrics"] is None


def test_sizes_are_chosen_and_beat_the_defaults(folder, capsys):
    psnr = []
    for words in ((), ("--as-set",)):
        assert run("--json", *FEW, "--reference", "clean.tif", *words) == 0
        found = json.loads(capsys.readouterr().out)["methods"]
        psnr.append({one["step"]["method"]: one["metrics"]["psnr"] for one in found})
    assert all(psnr[0][name] >= psnr[1][name] - 0.05 for name in psnr[0])
    assert psnr[0]["gaussian"] - psnr[1]["gaussian"] > 0.2


def test_the_table_says_that_estimates_are_estimates(folder, capsys):
    assert run("--methods", "instant", "gaussian", "--out", "made") == 0
    words = capsys.readouterr().out
    assert "estimated PSNR [dB]" in words
    assert words.splitlines()[1].strip().startswith("Instant")
    assert "Instant" in words.splitlines()[-1]
    with (folder / "made" / "comparison.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0][0] == "method"
    assert len(rows) == 3
    facts = json.loads((folder / "made" / "comparison.json").read_text(encoding="utf-8"))
    assert facts["verdict"] in words
    assert {path.name for path in (folder / "made").iterdir()} >= {"comparison.csv", "comparison.json"}


def test_what_was_written_is_replaced_only_if_asked(folder, capsys):
    assert run("--methods", "gaussian", "--out", "made") == 0
    before = (folder / "made" / "comparison.csv").read_bytes()
    assert run("--methods", "box", "--out", "made") == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "made" / "comparison.csv").read_bytes() == before
    assert run("--methods", "box", "--out", "made", "--overwrite") == 0
    assert (folder / "made" / "comparison.csv").read_bytes() != before


def test_a_written_recipe_runs(folder, capsys):
    assert run("--methods", "gaussian", "--out", "made") == 0
    recipe = next(path for path in (folder / "made").iterdir() if path.name.startswith("gaussian"))
    assert main(["apply", str(recipe), "noisy.tif", "-o", "best.tif", "--quiet"]) == 0
    assert tifffile.imread("best.tif").shape == (256, 256)


def test_networks_are_trained_within_the_time(folder, capsys):
    assert run("--methods", "n2v", "gaussian", "--seconds", "4", "--json", "--region", "0:96,0:96") == 0
    found = {one["step"]["method"]: one for one in json.loads(capsys.readouterr().out)["methods"]}
    assert found["n2v"]["failure"] == ""
    assert sorted(one["place"] for one in found.values()) == [1, 2]
    assert found["n2v"]["estimate"]["remaining"] < 1


def test_a_method_that_fails_becomes_a_row_with_its_sentence(folder, capsys):
    assert run("--methods", "box-3d", "gaussian", "--json") == 0
    found = {one["step"]["method"]: one for one in json.loads(capsys.readouterr().out)["methods"]}
    assert found["box-3d"]["place"] is None
    assert found["box-3d"]["failure"]
    assert found["gaussian"]["place"] == 1
    assert run("--methods", "box-3d", "gaussian") == 0
    assert "needs planes along Z" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--region", "0:999,0:10"), "is not a part of 256 rows and 256 columns"),
        (("--region", "a"), "is not a part of"),
        (("--region", "0:200:2,0:200"), "is not a part of"),
        (("--region", "0:40,0:40"), "fewer than 64 x 64"),
        (("--methods", "n2v"), "--seconds"),
        (("--methods", "poisson-noise"), "adds noise"),
        (("--methods", "nothing"), "nothing"),
        (("--seconds", "-1"), "seconds from 0"),
        (("--seed", "-1"), "not a whole number"),
        (("--reference", "large.tif", *FEW), "300 x 300 pixels, not 256 x 256"),
        (("--out", "noisy.tif"), "is a file"),
        (("--methods", "box-3d"), "needs planes along Z"),
        (("--reference", "small.tif", *FEW), "9 x 9 pixels, not 256 x 256"),
    ],
)
def test_what_cannot_be_compared_says_so(folder, capsys, words, told):
    tifffile.imwrite("small.tif", np.ones((9, 9), np.uint8))
    tifffile.imwrite("large.tif", np.ones((300, 300), np.uint8))
    assert run(*words) != 0
    shown = capsys.readouterr()
    assert told in shown.err + shown.out
