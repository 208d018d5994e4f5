"""The sweep over the width of the PSF."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from app.cli import main as cli
from core.errors import QuietfieldError
from core.files import open_stack, save_stack
from core.learning.methods import DecoNoising
from core.progress import Cancelled, Context
from core.psf.estimate import Estimate, estimate_sigma
from core.simulation.experiment import Simulation
from core.stack import Stack
from core.work.compare import Budget
from core.work.sweep import check_sigmas, rank, sweep, verdict
from tests.core.learning_data import SMALL


def target(sigma: float) -> Stack:
    return Simulation(specimen="text", sigma=sigma, photons=30, size=128, planes=2, seed=5).run().noisy


METHOD = DecoNoising(**{**SMALL, "steps": 6})
SHORT = Budget(seconds=0.0, device="cpu")


@pytest.mark.parametrize("sigma", [1.0, 1.5])
def test_the_true_width_is_preferred(sigma: float) -> None:
    stack = target(sigma)
    estimate = estimate_sigma(stack)
    swept = list(sweep(stack, METHOD, [1.5, 0.5, 1.0], budget=SHORT, estimate=estimate))
    assert [one.sigma for one in swept] == [0.5, 1.0, 1.5]
    assert [one.compared.method.sigma for one in swept] == [0.5, 1.0, 1.5]
    assert all(len(one.compared.stacks) == 2 and math.isfinite(one.loss) for one in swept)
    assert rank(swept)[0].sigma == sigma
    assert verdict(swept, estimate).startswith(f"Sigma {sigma:g} px is preferred")
    assert "outside the tried range" in verdict(swept[:1], estimate)


def test_without_an_estimate_the_networks_decide() -> None:
    stack = target(1.0)
    swept = list(sweep(stack, METHOD, [0.5, 1.5], budget=SHORT))
    assert rank(swept)[0].loss == min(one.loss for one in swept)
    assert verdict(swept, None, "Too small.").endswith("Too small.")


def test_what_is_complete_survives_cancelling() -> None:
    context = Context()
    flat = Estimate(sigma=1.0, error=0.1, widths=(0.4, 1.0, 3.0), losses=(1.0, 0.0, 2.0))
    running = sweep(target(1.0), METHOD, [0.5, 1.0, 1.5], budget=SHORT, estimate=flat, context=context)
    one = next(running)
    context.cancel()
    with pytest.raises(Cancelled):
        next(running)
    assert one.compared.stacks[0].shape == (2, 128, 128)
    assert one.misfit == pytest.approx(math.log(2) / math.log(2.5), rel=1e-6)


@pytest.mark.parametrize(
    "sigmas", [[1.0], [1.0, 1.0], [0.0, 1.0], [1.0, math.nan], [1.0, 11.0], list(range(1, 40))]
)
def test_sigmas_that_make_no_sense_are_refused(sigmas: list[float]) -> None:
    with pytest.raises(QuietfieldError, match=r"sigma|Sigma"):
        check_sigmas(sigmas)


def test_the_command_writes_all_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save_stack(tmp_path / "page.tif", target(1.0)).path
    words = [
        "sweep",
        str(source),
        "--sigma",
        "0.5",
        "1",
        "--steps",
        "2",
        "-o",
        str(tmp_path / "out"),
        "--json",
        "-q",
    ]
    assert cli.main([*words, "--device", "cpu"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["preferred"] == 1.0
    assert facts["estimate"] == pytest.approx(1.0, rel=0.15)
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == [
        f"page_sigma{sigma}{end}"
        for sigma in ("0.5", "1")
        for end in (".quietfield", "_deconvolved.tif", "_denoised.tif")
    ]
    assert open_stack(tmp_path / "out" / "page_sigma1_deconvolved.tif").shape == (2, 128, 128)
    assert cli.main([*words, "--device", "cpu"]) == 1
    assert cli.main(["sweep", str(source), "--sigma", "0"]) == 1


def test_the_psf_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "psf.json"
    assert cli.main(["psf", "optics:na=1.2,n=1.33,emission=520,pixel=0.1", "-o", str(out)]) == 0
    assert "FWHM along X" in capsys.readouterr().out
    assert cli.main(["psf", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["na"] == 1.2
    assert cli.main(["psf", str(out), "-o", str(out)]) == 1
    assert cli.main(["psf", "estimate"]) == 1
    assert "Name it after 'estimate'" in capsys.readouterr().err
    assert cli.main(["psf", "gaussian:0"]) == 1
