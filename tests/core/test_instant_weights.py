"""The weights that ship: better than the best Gaussian blur, and harmless without noise."""

from __future__ import annotations

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from core import simulation
from core.errors import QuietfieldError
from core.instant import weights
from core.instant.making import validation
from core.instant.making.examples import Batch, Examples
from core.instant.method import Instant
from core.instant.network import SHAPES
from core.instant.weights import file_of, load_network, shipped_network
from core.learning.methods import Quietfield
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.simulation.detection import Detector, record
from core.simulation.scenes import scene
from core.stack import Stack


@pytest.fixture(scope="module", params=list(SHAPES))
def rows(request: pytest.FixtureRequest) -> list[validation.Row]:
    network, _ = load_network(file_of(request.param))
    return validation.evaluate(network, scenes=36, side=96)  # of 12, single scenes decide by half a dB


def test_the_shipped_networks_beat_the_best_gaussian(rows: list[validation.Row]) -> None:
    """At every level of light."""
    for row in rows:
        assert row.network > row.gaussian, row


def test_the_error_it_expects_is_the_one_it_makes(rows: list[validation.Row]) -> None:
    """Within 1.5 dB for every kind of recording; noise was known exactly here, which it does not know."""
    for row in rows:
        assert abs(row.doubt) < 1.5, row


def test_the_networks_take_no_more_than_8_mb() -> None:
    assert sum(file_of(name).stat().st_size for name in SHAPES) < 8e6


def test_weights_are_read_once_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(file_of("instant"), file_of("instant", tmp_path))
    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(lambda _: shipped_network("instant", tmp_path), range(8))
    assert all(other is first for other in others)
    stack = Stack.of(np.random.default_rng(0).poisson(20.0, (64, 64)).astype(np.uint16), "YX")
    before = evaluate(stack, Instant())[0]

    def closed(*words: object, **more: object) -> None:
        raise OSError("no file can be opened now")

    monkeypatch.setattr(weights, "safe_open", closed)
    with pytest.raises(QuietfieldError, match="no file can be opened now"):
        load_network(file_of("instant"))
    np.testing.assert_array_equal(evaluate(stack, Instant())[0], before)


def test_training_leaves_the_weights_that_all_share_as_they_are() -> None:
    network = shipped_network("instant")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    light = scene((1, 5), (96, 96)) * 30 + 3
    stack = Stack.of(np.random.default_rng(0).poisson(light).astype(np.uint16)[None], "TYX")
    method = Quietfield(steps=2, seconds=0, patch=64, batch=1, train="yes", neighbours="none", psf="no")
    trainer = Trainer(stack, method, device="cpu")
    for _ in trainer.run():
        pass
    evaluate(stack, trainer.model().prediction("cpu"))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.fixture(scope="module")
def examples() -> list[Batch]:
    return list(itertools.islice(Examples(987_654, 8, 96), 24))


@pytest.mark.parametrize("name", SHAPES)
def test_where_it_expects_more_error_there_is_more(name: str, examples: list[Batch]) -> None:
    """On training-like examples, with pixels in six groups by predicted error."""
    network, _ = load_network(file_of(name))
    expected, real = [], []
    for batch in examples:
        with torch.inference_mode():
            output = network(batch.noisy, batch.correlation, batch.beside)
        expected.append(output.log_variance.exp().numpy().ravel())
        real.append((output.denoised - batch.clean).square().numpy().ravel())
    variance, squares = np.concatenate(expected), np.concatenate(real)
    groups = np.digitize(variance, np.quantile(variance, np.linspace(0, 1, 7)[1:-1]))
    ratios = [float(squares[groups == g].mean() / variance[groups == g].mean()) for g in range(6)]
    assert all(0.5 < ratio < 2.0 for ratio in ratios), ratios
    means = [float(squares[groups == g].mean()) for g in range(6)]
    assert means == sorted(means)


def test_planes_and_frames_beside_help(rows: list[validation.Row]) -> None:
    found = {row.name: row.network for row in rows}
    for kind in ("volume", "time lapse"):
        assert found[f"10 photons, {kind}, with neighbours"] > found[f"10 photons, {kind}, alone"] + 0.1


def spots(places: list[tuple[float, float]], photons: float) -> NDArray[np.float64]:
    """Mean of frames with one bright spot each, at the places given; none where a place is negative."""
    y, x = np.mgrid[:96, :96]
    distance = [((y - a) ** 2 + (x - b) ** 2) / 4.0 if a >= 0 else np.full(y.shape, 99.0) for a, b in places]
    return 2.0 + photons * np.exp(-np.stack(distance))


@pytest.mark.parametrize("photons", [8.0, 40.0])
def test_what_moves_is_neither_smeared_nor_copied(photons: float) -> None:
    """A spot that jumps 12 pixels a frame, against the same frame by itself, over several noises."""
    light = spots([(48, 24), (48, 36), (48, 48), (48, 60), (48, 72)], photons)
    ghosts, peaks, alone = [], [], []
    for seed in range(6):
        frames = np.random.default_rng(seed).poisson(light).astype(np.float32)
        stack = Stack.of(frames, "TYX")
        both = [
            evaluate(stack, Instant(neighbours=n, noise="stack"), stack.region(T=2))[0][0]
            for n in ("T", "none")
        ]
        ghosts.append([both[0][48, x] - 2.0 for x in (24, 36, 60, 72)])
        peaks.append(both[0][46:51, 46:51].sum())
        alone.append(both[1][46:51, 46:51].sum())
    assert abs(np.mean(ghosts)) < 0.05 * photons
    assert np.mean(peaks) > 0.9 * np.mean(alone)


def test_what_vanishes_for_a_frame_is_not_invented() -> None:
    """The same spot in every frame but the middle one."""
    light = spots([(48, 48), (48, 48), (-1, -1), (48, 48), (48, 48)], 30.0)
    found = []
    for seed in range(6):
        stack = Stack.of(np.random.default_rng(seed).poisson(light).astype(np.float32), "TYX")
        result = evaluate(stack, Instant(neighbours="T", noise="stack"), stack.region(T=2))[0][0]
        found.append(result[48, 48] - 2.0)
    assert abs(np.mean(found)) < 0.1 * 30.0


def test_the_sample_gains_more_than_by_the_best_gaussian() -> None:
    sample = simulation.sample(frames=2)
    clean, frame = sample.clean.read(), sample.noisy.read()[0].astype(np.float32)
    found = evaluate(sample.noisy, Instant(), sample.noisy.region(T=0))[0][0]
    score = partial(validation.psnr, mean=clean)
    best = max(score(ndimage.gaussian_filter(frame, s)) for s in (0.8, 1.0, 1.2, 1.5))
    assert score(found) > best + 0.5


def test_a_clean_image_stays_what_it_is() -> None:
    light = (scene((1, 9)) * 2000 + 100).astype(np.float32)
    stack = Stack.of(light, "YX")
    found = evaluate(stack, Instant())[0]
    assert validation.psnr(found, light) > 50


def test_correlated_noise_is_removed_too() -> None:
    light = scene((2, 3)).astype(np.float64) * 60 + 5
    recording = record(light, Detector(smoothing=(0.7, 0.7)), np.random.default_rng(1))
    found = evaluate(Stack.of(recording.noisy, "YX"), Instant())[0]
    score = partial(validation.psnr, mean=recording.mean)
    assert score(found) > score(recording.noisy) + 2
