import numpy as np
import pytest
import torch
from torch import nn

from core.learning.architecture import Architecture
from core.learning.blur_pooling import blur_pool
from core.learning.network import UNet, initial, receptive_field


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
    network = initial(Architecture(), seed=3)
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
    first = initial(Architecture(width=8), seed=5).state_dict()
    torch.rand(17)
    second = initial(Architecture(width=8), seed=5).state_dict()
    other = initial(Architecture(width=8), seed=6).state_dict()
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert not torch.equal(first["end.weight"], other["end.weight"])


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize(("pooling", "top_skip"), [("max", True), ("blur", False)])
def test_receptive_field_is_exact(depth, pooling, top_skip):
    """Change one column at a time: outputs change within the stated distance, and not beyond."""
    architecture = Architecture(width=4, depth=depth, pooling=pooling, top_skip=top_skip)
    network = UNet(architecture).double()
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(p.abs() + 0.1)  # every path counts, no ReLU is shut
    reach = receptive_field(architecture)
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


def test_blur_pooling_is_the_largest_of_four_blurred_by_one_two_one():
    # Zhang 2019: max-pooling of stride 1, then the binomial 1 2 1 along both axes, every second pixel
    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 3, 12, 16)).astype(np.float32)
    found = blur_pool(torch.from_numpy(image)).numpy()
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    largest = np.max([padded[..., a : a + 13, b : b + 17] for a in (0, 1) for b in (0, 1)], axis=0)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    expected = sum(
        kernel[a, b] * largest[..., a : a + 11 : 2, b : b + 15 : 2] for a in range(3) for b in range(3)
    )
    assert found.shape == (2, 3, 6, 8)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_blur_pooling_halves_what_is_flat_or_rises_evenly():
    flat = torch.full((1, 1, 8, 8), 3.0)
    assert torch.equal(blur_pool(flat), torch.full((1, 1, 4, 4), 3.0))
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    found = blur_pool(ramp)[0, 0, 3]
    # the largest of 2i and 2i + 1, blurred evenly: 2i + 1, but for the borders that are repeated
    assert found[1:-1].tolist() == [2 * i + 1 for i in range(1, 7)]


def test_checkerboards_of_one_pixel_pass_max_pooling_but_not_blurred():
    """A pattern in every second pixel of alternating sign: what is left of it a level below."""
    stripes = torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(8).expand(1, 1, 32, 32)
    moved = stripes.roll(1, -1)
    largest = [nn.functional.max_pool2d(image, 2) for image in (stripes, moved)]
    blurred = [blur_pool(image) for image in (stripes, moved)]
    # moved by one pixel the pooled image should change little; blurring makes it change less
    changes = [float((a - b)[..., 2:-2, 2:-2].square().mean()) for a, b in (largest, blurred)]
    assert changes[1] < 0.5 * changes[0]


def test_without_the_first_skip_the_first_level_reaches_the_end_only_through_the_others():
    with_skip, without = (
        UNet(Architecture(width=4, pooling="blur", top_skip=skip)) for skip in (True, False)
    )
    without.load_state_dict(with_skip.state_dict())
    image = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        for network in (with_skip, without):
            network.rise[-1].weight.zero_()
            network.rise[-1].bias.zero_()
        level = without.up[-1](torch.zeros(1, 4, 16, 16))
        assert torch.equal(without(image), without.end(level))
        assert not torch.equal(with_skip(image), without.end(level))


def test_blur_pooling_and_no_top_skip_need_no_parameters():
    architecture = Architecture(pooling="blur", top_skip=False)
    assert sum(p.numel() for p in UNet(architecture).parameters()) == 1_677_377
