import pytest
import torch
from torch import nn

from core.learning.network import UNet, initial, receptive_field
from tests.core.learning_data import one_thread  # noqa: F401


def test_parameter_count_is_the_published_one():
    assert sum(p.numel() for p in UNet().parameters()) == 1_677_377


def test_multiplications_per_pixel_are_the_published_ones():
    network, side, total = UNet(), 64, 0

    def count(module, inputs, output):
        nonlocal total
        weight = module.weight
        if isinstance(module, nn.ConvTranspose2d):  # every input pixel meets every weight
            total += inputs[0][0, 0].numel() * weight.numel()
        else:
            total += output[0, 0].numel() * weight.numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(count)
    network(torch.zeros(1, 1, side, side))
    assert total / side**2 == pytest.approx(311.9e3, rel=2e-4)


def test_biases_start_at_zero_and_weights_xavier_normal():
    network = initial(64, 3, seed=3)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert not module.bias.any()
            shape = module.weight.shape
            expected = (2 / ((shape[0] + shape[1]) * shape[2] * shape[3])) ** 0.5  # Glorot & Bengio 2010
            error = 4 * expected / (2 * module.weight.numel()) ** 0.5
            assert float(module.weight.detach().std()) == pytest.approx(expected, abs=error)


def test_there_is_no_normalisation_layer():
    kinds = {type(m) for m in UNet().modules() if not list(m.children())}
    assert kinds == {nn.Conv2d, nn.ConvTranspose2d, nn.ReLU}


def test_same_seed_same_network_whatever_was_drawn_before():
    first = initial(8, 3, seed=5).state_dict()
    torch.rand(17)
    second = initial(8, 3, seed=5).state_dict()
    other = initial(8, 3, seed=6).state_dict()
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert not torch.equal(first["end.weight"], other["end.weight"])


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_receptive_field_is_exact(depth):
    """Change one column after another: an output changes as far away as said, and no farther."""
    network = UNet(4, depth).double()
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(p.abs() + 0.1)  # every path counts, no ReLU is shut
    reach = receptive_field(depth)
    step = 2 ** (depth - 1)
    middle = reach + -reach % step + step
    side = 2 * middle
    images = torch.eye(side, dtype=torch.float64)[:, None, None, :].repeat(1, 1, step, 1)
    with torch.no_grad():
        changed = network(images)[:, 0, 0] != network(torch.zeros_like(images[:1]))[:, 0, 0]
    column = torch.arange(side)
    places = torch.arange(middle, middle + step)  # every place in the grid of the poolings
    distances = (column[:, None] - places[None, :]).abs()
    assert int(distances[changed[:, places]].max()) == reach
