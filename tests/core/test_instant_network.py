"""The network of Instant: properties that hold for all weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from core.errors import QuietfieldError
from core.instant.constants import GRID, REACH
from core.instant.network import SHAPES, InstantNetwork, Shape
from core.instant.weights import load_network, save_network
from core.noise.noise_estimate import LAGS
from core.noise.transform import Stabiliser

SMALL = Shape((8, 8, 8, 8), (1, 1, 1, 1))


def wild(seed: int = 0, shape: Shape = SMALL) -> InstantNetwork:
    """A network whose weights are random everywhere, its last layer too."""
    torch.manual_seed(seed)
    network = InstantNetwork(shape)
    nn.init.normal_(network.end.weight, std=0.3)
    nn.init.normal_(network.end.bias, std=0.3)
    nn.init.normal_(network.beside.weight, std=0.3)
    nn.init.normal_(network.shares.weight, std=0.3)
    return network.eval().requires_grad_(False)


def image(height: int = 128, width: int = 96, seed: int = 1) -> torch.Tensor:
    noise = np.random.default_rng(seed).standard_normal((height, width))
    return torch.from_numpy(ndimage.gaussian_filter(noise, 1.5) * 20 + noise).float()[None, None]


WHITE = torch.zeros(1, len(LAGS))


def test_an_untrained_network_is_a_gaussian_blur() -> None:
    """Of the light, which goes as the square of the transformed image."""
    given = image() + 60
    found = InstantNetwork()(given, WHITE).denoised[0, 0].detach().numpy()
    light = given[0, 0].numpy().astype(np.float64) ** 2
    expected = ndimage.gaussian_filter(light, 1.0, mode="mirror", truncate=5) ** 0.5
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_constant_added_comes_out_again_where_there_is_light() -> None:
    network, given = wild(), image() + 1000
    found, expected = network(given + 2000, WHITE), network(given, WHITE)
    torch.testing.assert_close(found.denoised, expected.denoised + 2000, atol=0.1, rtol=0)
    torch.testing.assert_close(found.log_variance, expected.log_variance, atol=0.1, rtol=0)


def test_without_any_weights_the_widest_blur_is_left_and_it_has_no_bias() -> None:
    """At half a photon per pixel the result is the mean of the light, not of its square root."""
    network = InstantNetwork()
    nn.init.zeros_(network.end.bias)
    transform = Stabiliser(gain=1.0, constant=0.0)
    counts = np.random.default_rng(0).poisson(0.5, (256, 256))
    given = torch.from_numpy(transform.forward(counts)).float()[None, None]
    found = transform.inverse(network(given, WHITE).denoised[0, 0].detach().numpy())
    assert found.mean() == pytest.approx(counts.mean(), abs=0.01)
    assert found.std() < 0.05


@pytest.mark.parametrize("name", SHAPES)
def test_it_sees_as_far_as_is_said_and_no_farther(name: str) -> None:
    """Change a pixel at every position of the grid, and measure the distance of the farthest effect.

    Positive weights and double precision keep small changes from getting lost on their way.
    """
    network, farthest = wild(shape=Shape((4, 4, 4, 4), SHAPES[name].depths)).double(), 0
    for weights in network.parameters():
        weights.abs_()
    side = 2 * REACH + 4 * GRID
    given = image(64, side).double()
    before = torch.cat(network(given, WHITE.double())[:2])
    for place in range(GRID):
        changed = given.clone()
        changed[..., 32, side // 2 + place] += 1e4
        after = torch.cat(network(changed, WHITE.double())[:2])
        columns = torch.nonzero((after - before).abs().amax((0, 1, 2)) > 1e-9)
        farthest = max(farthest, int((columns - side // 2 - place).abs().max()))
    assert REACH - 3 * GRID < farthest <= REACH


def test_it_knows_how_dark_it_is() -> None:
    network, given = wild(), image() / 20
    brighter, before = network(given + 3, WHITE).denoised, network(given, WHITE).denoised
    assert (brighter - before - 3).abs().max() > 0.004


def test_the_correlation_it_is_told_matters_and_images_of_a_batch_do_not_mix() -> None:
    network = wild()
    images = torch.cat([image(seed=1), image(seed=2)])
    told = torch.tensor([[0.0] * 5, [0.5, 0.1, 0.0, 0.0, 0.0]])
    both = network(images, told).denoised
    torch.testing.assert_close(both[1:], network(images[1:], told[1:]).denoised, atol=1e-4, rtol=1e-4)
    assert (both[1:] - network(images[1:], WHITE).denoised).abs().max() > 0.01


def test_neighbours_matter_and_each_has_its_place() -> None:
    network, given = wild(), image()
    others = torch.cat([image(seed=seed) for seed in (2, 3, 4, 5)], 1)
    alone, beside = network(given, WHITE).denoised, network(given, WHITE, others).denoised
    assert (beside - alone).abs().max() > 0.01
    assert (network(given, WHITE, others.flip(1)).denoised - beside).abs().max() > 0.01


def test_before_it_learns_neighbours_make_no_difference() -> None:
    network, given = InstantNetwork(SMALL), image()
    torch.testing.assert_close(network(given, WHITE, image().expand(-1, 4, -1, -1)), network(given, WHITE))


def test_what_it_expects_of_its_error_does_not_change_what_it_learns() -> None:
    network = wild().requires_grad_()
    network(image(), WHITE).log_variance.sum().backward()
    learning = {name.partition(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert learning == {"doubt"}


def test_as_a_file_and_back(tmp_path: Path) -> None:
    network, path = wild(), tmp_path / "network.safetensors"
    save_network(path, network.state_dict(), {"widths": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "hours": 1.5})
    again, record = load_network(path)
    assert record["hours"] == 1.5
    torch.testing.assert_close(again(image(), WHITE), network(image(), WHITE), atol=0.05, rtol=0.01)
    assert not any(p.requires_grad for p in again.parameters())


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    with pytest.raises(QuietfieldError, match="Install"):
        load_network(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(QuietfieldError, match=r"network\.safetensors"):
        load_network(path)
    save_network(path, wild().state_dict(), {"widths": [16, 8, 8, 8], "depths": [1, 1, 1, 1]})
    with pytest.raises(QuietfieldError, match="Install"):
        load_network(path)
