import numpy as np
import pytest
import torch

from core.learning.data import Normalisation
from core.learning.methods import DecoNoising, Noise2Void, Noise2Void2, Noise2VoidConvolved
from core.learning.model import Model
from core.learning.network import UNet, initial
from core.methods.apply import evaluate
from core.progress import Cancelled, Context
from core.stack import Stack
from tests.core.learning_data import small
from tests.network_runs import short_of_memory


def model(cls=DecoNoising, *, depth=3, mean=(100.0,), std=(20.0,), **changes):
    """Network with random weights and biases, so that every pixel matters."""
    method = small(cls, depth=depth, **changes)
    network = initial(method.architecture(), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, p in network.named_parameters():
            if name.endswith("bias"):
                p.copy_(0.1 * torch.randn(p.shape, generator=generator))
    norm = Normalisation(offset=10.0, mean=mean, std=std, fill=90.0)
    return Model(method=method, weights=network.state_dict(), normalisation=norm)


def noise(shape, axes):
    return Stack.of(np.random.default_rng(0).normal(110, 20, shape).astype(np.float32), axes)


def margin(operation):
    """Pixels beside a tile that are needed for it, as many as are read beside a region."""
    return operation.halo("YX")["Y"]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * float(np.ptp(expected)))


@pytest.mark.parametrize("shape", [(330, 197), (61, 403), (288, 288)])
@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("cls", [DecoNoising, Noise2Void2])
def test_tiled_is_untiled(cls, shape, depth):
    operation = model(cls, depth=depth).prediction("cpu")
    stack = noise(shape, "YX")
    whole = evaluate(stack, operation)
    with short_of_memory(64 + 2 * margin(operation), UNet) as tiles:
        for found, expected in zip(evaluate(stack, operation), whole, strict=True):
            close(found, expected)
    assert len(tiles) > 3


def pieces(shape, side):
    for t in range(shape[0]):
        for y in range(0, shape[1], side):
            for x in range(0, shape[2], side):
                yield slice(t, t + 1), slice(y, min(y + side, shape[1])), slice(x, min(x + side, shape[2]))


@pytest.mark.parametrize("shape", [(2, 251, 187), (1, 300, 33)])
def test_blocks_are_the_whole(shape):
    operation = model(sigma=1.5).prediction("cpu")
    stack = noise(shape, "TYX")
    whole = evaluate(stack, operation)
    small = (slice(0, 1), slice(7, 19), slice(5, 30))
    for region in (*pieces(stack.shape, 80), small):
        for found, expected in zip(evaluate(stack, operation, region), whole, strict=True):
            close(found, expected[region])


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 40), (17, 1)])
def test_planes_of_any_size_can_be_denoised(shape):
    for result in evaluate(noise(shape, "YX"), model().prediction("cpu")):
        assert result.shape == shape
        assert np.isfinite(result).all()


def test_many_small_planes_are_planes_of_their_own():
    operation = model(sigma=0.0).prediction("cpu")
    stack = noise((3, 2, 5, 20, 24), "TCZYX")
    whole = evaluate(stack, operation)[0]
    for index in np.ndindex(3, 2, 5):
        alone = evaluate(Stack.of(stack.read()[index], "YX"), operation)[0]
        close(whole[index], alone)


def test_outputs_are_network_output_and_its_convolution():
    from scipy import ndimage

    whole = model(sigma=1.2)
    stack = noise((40, 44), "YX")
    denoised, deconvolved = evaluate(stack, whole.prediction("cpu"))
    network = UNet(whole.method.architecture())
    network.load_state_dict(dict(whole.weights))
    with torch.no_grad():
        output = network(torch.from_numpy((stack.read() - 10 - 100) / 20)[None, None])[0, 0].numpy()
    close(deconvolved, output * 10 * 20 + 100 + 10)  # output times 10, times std, plus mean
    expected = ndimage.gaussian_filter(deconvolved.astype(float), 1.2, mode="mirror", truncate=4)
    close(denoised, expected)


def test_n2v_conv_is_n2v_convolved_and_n2v_is_not():
    from scipy import ndimage

    stack = noise((40, 44), "YX")
    plain = evaluate(stack, model(Noise2Void).prediction("cpu"))
    smooth = evaluate(stack, model(Noise2VoidConvolved, sigma=2.0).prediction("cpu"))
    assert len(plain) == len(smooth) == 1
    close(smooth[0], ndimage.gaussian_filter(plain[0].astype(float), 2.0, mode="mirror", truncate=4))


def test_channels_are_scaled_each_by_its_own_pair(monkeypatch):
    operation = model(mean=(100.0, 1000.0), std=(20.0, 200.0), sigma=0.0).prediction("cpu")
    light = np.random.default_rng(0).normal(size=(3, 40, 44))
    pixels = np.stack([light * 20 + 110, light * 200 + 1010], axis=1).astype(np.float32)
    stack = Stack.of(pixels, "TCYX")
    result = evaluate(stack, operation)[0]
    close((result[:, 1] - 1010) / 200, (result[:, 0] - 110) / 20)
    second = evaluate(stack, operation, stack.region(C=1, T=2))[0]  # a block that starts at channel 1
    close(second[0, 0], result[2, 1])


def test_pixels_that_are_not_finite_stay_and_affect_no_other_pixel():
    pixels = noise((40, 44), "YX").read()
    pixels[10, 10:20] = np.nan
    pixels[30, 3] = -np.inf
    for result in evaluate(Stack.of(pixels, "YX"), model().prediction("cpu")):
        np.testing.assert_array_equal(result[~np.isfinite(pixels)], pixels[~np.isfinite(pixels)])
        assert np.isfinite(result[np.isfinite(pixels)]).all()


def test_prediction_stops_between_tiles():
    seen = []

    def report(fraction, text):
        seen.append(fraction)
        if len(seen) == 3:
            context.cancel()

    context = Context(report)
    with pytest.raises(Cancelled):
        evaluate(noise((1100, 1100), "YX"), model().prediction("cpu"), context=context)
    assert len(seen) == 3
