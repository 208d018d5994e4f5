"""Training on simulations: examples, steps, interruption, model card."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from core.instant.constants import DEPTH
from core.instant.making import train as command
from core.instant.making.examples import DEEP, Batch, Examples, choose_planes, example
from core.instant.making.training import Settings, State, learn, loss, rate, resume, train
from core.instant.making.validation import evaluate
from core.instant.network import SHAPES, Prediction, Shape
from core.instant.weights import file_of, load_network
from core.noise.noise_estimate import LAGS
from core.simulation.detection import Detector, record
from core.simulation.scenes import scene

CPU = torch.device("cpu")
SMALL = Settings(steps=1000, batch=2, side=64, workers=0, seed=3, scenes=3, validation=1)


FEW = 3
"""Scenes before the first batch."""


@pytest.fixture(autouse=True)
def _small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, widths in (("instant", (8, 8, 8, 8)), ("best", (8, 8, 16, 16))):
        monkeypatch.setitem(SHAPES, name, Shape(widths, SHAPES[name].depths))
    torch.manual_seed(0)


def test_examples_are_on_the_scale_of_the_noise() -> None:
    """At 30 photons or more, noisy minus clean has a standard deviation of 1, less where it is smooth."""
    light = scene(5)
    rng = np.random.default_rng(0)
    recording = record(light * 100.0 + 30, Detector(read_noise=2), rng)
    stabiliser = recording.noise.stabiliser()
    residual = stabiliser.forward(recording.noisy) - stabiliser.forward(recording.mean)
    assert residual.std() == pytest.approx(1, abs=0.02)
    noisy, clean, told = example(light[None], rng)
    assert noisy.shape == clean.shape == (1, *light.shape)
    assert noisy.dtype == clean.dtype == told.dtype == np.float32
    assert told.shape == (len(LAGS),)


def test_batches_depend_on_the_seed_alone() -> None:
    first, same, other = (next(iter(Examples(seed, 2, 64, FEW))) for seed in (1, 1, 2))
    torch.testing.assert_close(first.noisy, same.noisy)
    assert not torch.equal(first.noisy, other.noisy)
    assert first.noisy.shape == first.clean.shape == (2, 1, 64, 64)


def with_and_without() -> tuple[Batch, Batch]:
    """Batches of stacks and of planes, whichever come first."""
    found: dict[bool, Batch] = {}
    for batch in Examples(4, 2, 64, FEW):
        found.setdefault(batch.beside is not None, batch)
        if len(found) == 2:
            break
    return found[True], found[False]


def test_some_batches_show_the_planes_beside() -> None:
    stacks, planes = with_and_without()
    assert planes.beside is None
    assert stacks.beside is not None
    assert stacks.beside.shape == (2, 4, 64, 64)
    assert stacks.noisy.shape == stacks.clean.shape == planes.noisy.shape


def test_mostly_the_middle_plane_is_denoised_and_none_is_its_own_neighbour() -> None:
    rng = np.random.default_rng(0)
    found = [choose_planes(rng) for _ in range(400)]
    assert 0.6 < np.mean([order == [DEPTH, 0, 1, 3, 4] for order in found]) < 0.9
    assert all(order[0] not in order[1:] for order in found)
    assert {index for order in found for index in order} == set(range(DEEP))


def test_the_rate_rises_and_falls() -> None:
    assert rate(SMALL, 0) == pytest.approx(1e-5)
    assert rate(SMALL, 100) == pytest.approx(9.76e-4, rel=1e-3)
    assert rate(SMALL, 500) == pytest.approx(5.05e-4)
    assert rate(SMALL, 1000) == rate(SMALL, 9999) == pytest.approx(1e-5)


def test_every_level_of_noise_counts_alike() -> None:
    clean = torch.zeros(2, 1, 8, 8)
    output = torch.stack([torch.full((1, 8, 8), 0.5), torch.full((1, 8, 8), 50.0)]).requires_grad_()
    loss(Prediction(output, torch.zeros_like(clean)), clean).backward()
    gradients = output.grad.abs().mean((1, 2, 3))  # type: ignore[union-attr]
    relative = gradients * torch.tensor([0.5, 50.0])
    assert relative[0] == pytest.approx(float(relative[1]), rel=0.15)


def test_the_expected_error_is_best_where_it_is_the_real_one() -> None:
    clean = torch.zeros(1, 1, 8, 8)
    output = torch.full_like(clean, 0.5)
    expected = torch.full_like(clean, float(np.log(0.25))).requires_grad_()
    loss(Prediction(output, expected), clean).backward()
    assert float(expected.grad.abs().max()) < 1e-6  # type: ignore[union-attr]


def test_learning_lowers_the_error() -> None:
    state = State("instant", SMALL, CPU)
    batch = next(iter(Examples(1, 2, 64, FEW)))
    errors = [float(learn(state, batch, dataclasses.replace(SMALL, rate=0.03))) for _ in range(25)]
    assert state.step == 25
    assert np.mean(errors[-5:]) < np.mean(errors[:5]) - 0.04


def test_a_training_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    settings = dataclasses.replace(SMALL, pause=1)
    states = [State(name, settings, CPU) for name in SHAPES]
    run = train(states, settings, tmp_path)
    lines = [next(run) for _ in range(4)]
    assert [line.split(":")[0] for line in lines] == ["instant", "best"] * 2
    assert all(re.search(r"above Gaussian: 0\.5 -\d+\.\d\d  1 -", line) for line in lines)
    batch = next(iter(Examples(9, 2, 64, FEW)))
    for state in states:
        again = resume(settings, CPU, state.name, tmp_path)
        assert (again.step, again.starts, len(again.curve)) == (2, 1, 2)
        for mine, other in ((again.network, state.network), (again.averaged, state.averaged)):
            torch.testing.assert_close(mine.state_dict(), other.state_dict())
        assert float(learn(again, batch, settings)) == float(learn(state, batch, settings))
        torch.testing.assert_close(again.network.state_dict(), state.network.state_dict())


def test_networks_see_the_same_batches(tmp_path: Path) -> None:
    """A network trained side by side with another equals one trained alone."""
    settings = dataclasses.replace(SMALL, steps=2, pause=2)
    both = [State(name, settings, CPU) for name in ("best", "instant")]
    alone = [State("instant", settings, CPU)]
    for number, states in enumerate((both, alone)):
        folder = tmp_path / str(number)
        folder.mkdir()
        list(train(states, settings, folder))
    torch.testing.assert_close(both[1].network.state_dict(), alone[0].network.state_dict())


def test_the_command_writes_networks_and_cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "networks"
    given = [
        "--out",
        str(out),
        "--workers",
        "0",
        "--batch",
        "1",
        "--side",
        "64",
        "--pause",
        "1",
        "--scenes",
        "3",
        "--validation",
        "1",
    ]
    assert command.main([*given, "--steps", "1"]) == 0
    assert command.main([*given, "--steps", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    for name, widths in (("instant", [8, 8, 8, 8]), ("best", [8, 8, 16, 16])):
        _, known = load_network(file_of(name, out))
        assert (known["starts"], known["widths"], known["steps"]) == (2, widths, 4)
        card = file_of(name, out).with_suffix(".md").read_text(encoding="utf-8")
        row = known["validation"][3]
        numbers = [f"{row[key]:.2f}" for key in ("raw", "gaussian", "network")]
        assert f"| 10 photons | {' | '.join(numbers)} | {row['doubt']:+.2f} |" in card
        assert "seed: 1" in card
        assert f'quality "{name}"' in card


def test_an_untrained_network_loses_against_the_best_gaussian() -> None:
    rows = evaluate(State("instant", SMALL, CPU).averaged, scenes=2, side=64)
    assert [row.name for row in rows][:2] == ["0.5 photons", "1 photons"]
    assert all(row.gaussian > row.network - 0.05 for row in rows)
    assert all(row.gaussian > row.raw for row in rows)
