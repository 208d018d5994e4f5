"""The benchmarks: the sets agree with their README, and the output is complete."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from tests.benchmarks import quality, study
from tests.benchmarks._sets import SETS, score
from tests.data import needs_data

pytest.importorskip("skimage")


def test_affine_psnr_forgives_scale_and_level_and_plain_does_not() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 100, (64, 64))
    noisy = truth + rng.normal(0, 5, truth.shape)
    span = np.ptp(truth)
    assert score(noisy, truth, "range") == pytest.approx(20 * np.log10(span / 5), abs=0.2)
    assert score(noisy, truth, "255") == pytest.approx(20 * np.log10(255 / 5), abs=0.2)
    assert score(3 * noisy - 40, truth, "affine") == pytest.approx(score(noisy, truth, "affine"))
    assert score(3 * noisy - 40, truth, "range") < 20


@needs_data
def test_simulated_sets_have_the_noise_they_say() -> None:
    of = next(s for s in SETS if s.name == "simulated-10-still")
    noisy, truth = of.read(0)
    light = (truth - 100) / 5
    error = (noisy - truth) / 5
    expected = np.mean(light + 1.5**2) + 1 / 12 / 25  # photons, read noise, and rounding to counts
    assert float(np.mean(error[light > 1] ** 2)) == pytest.approx(
        float(np.mean(light[light > 1] + 1.5**2 + 1 / 300)), rel=0.01
    )
    assert float(np.mean(error**2)) == pytest.approx(expected, rel=0.02)
    assert np.ptp(truth, axis=0).max() == 0
    moving, where = next(s for s in SETS if s.name == "simulated-10-moving").read(0)
    assert moving.shape == where.shape
    np.testing.assert_array_equal(where[1, :-8, :-8], where[0, 8:, 8:])


@needs_data
def test_the_oracle_is_the_known_one_and_is_written_down(tmp_path: Path) -> None:
    arguments = ["--sets", "bacteria", "--methods", "raw", "oracle-gaussian", "--out", str(tmp_path)]
    quality.main(arguments)
    with (tmp_path / "quality.csv").open(encoding="utf-8") as file:
        rows = {row["method"]: float(row["psnr"]) for row in csv.DictReader(file)}
    assert rows["raw"] == pytest.approx(22.32, abs=0.01)  # README of the data
    assert rows["oracle-gaussian"] > 33.88  # the best of a coarser choice, in the README of the data
    from skimage.filters import gaussian

    noisy, truth = next(s for s in SETS if s.name == "bacteria").read(0)

    def missed(sigma: float) -> float:
        return float(np.mean((gaussian(noisy[0].astype(np.float64), sigma) - truth[0]) ** 2))

    least = minimize_scalar(missed, bounds=(0.5, 4.0), method="bounded").fun
    best = 10 * np.log10(np.ptp(truth[0]) ** 2 / least)
    assert rows["oracle-gaussian"] == pytest.approx(best, abs=0.02)
    assert (tmp_path / "bacteria.png").read_bytes()[:4] == b"\x89PNG"


@needs_data
def test_networks_are_looked_at_while_they_train(tmp_path: Path) -> None:
    given = ["width=4", "depth=2", "patch=16", "validation_patches=2", "precision=float32"]
    arguments = [
        "--sets",
        "fmd-mice",
        "--methods",
        "n2v",
        "--seconds",
        "2",
        "--frames",
        "1",
        "--threads",
        "1",
    ]
    quality.main([*arguments, "--out", str(tmp_path), "--set", *given])
    with (tmp_path / "quality.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["n2v", "n2v"]
    assert float(rows[0]["seconds"]) >= 1
    assert float(rows[1]["seconds"]) >= 2
    assert all(15 < float(row["psnr"]) < 50 for row in rows)


@needs_data
def test_the_study_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "--sets fmd-mice --seconds 1 --seeds 2 --crop 96 --threads 1 --rows"
    for rows, count in ((["Gaussian"], 1), (["Gaussian", "Noise2Void"], 2), (["Gaussian", "Noise2Void"], 0)):
        study.main([*words.split(), *rows, "--out", str(tmp_path / "study.md")])
        assert len(capsys.readouterr().out.splitlines()) == count
    text = (tmp_path / "study.md").read_text(encoding="utf-8")
    lines = {line.split(" | ")[0].lstrip("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert set(lines) == {"method", "Gaussian", "Noise2Void"}
    assert 25 < float(lines["Gaussian"].split(" | ")[1].rstrip(" |")) < 45
    assert " ± " in lines["Noise2Void"]
    assert "after 1 s of training on 1 CPU thread" in text
