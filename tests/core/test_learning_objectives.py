import numpy as np
import pytest
import torch
from scipy import ndimage

from core.learning.masks import draw_mask
from core.learning.methods import Noise2Void
from core.learning.parts.blur import Blur
from core.learning.parts.heads import Emitted
from core.learning.parts.objectives import PixelError, Positivity
from core.learning.patches import Patches
from core.learning.schedule import Rate
from core.psf import Psf, gaussian
from core.psf.convolution import convolve

CPU = torch.device("cpu")


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.7])
def test_psf_is_a_gaussian_truncated_at_four_sigma(sigma):
    radius = int(4 * sigma + 0.5)
    point = torch.zeros(1, 1, 4 * radius + 1, 4 * radius + 1)
    point[0, 0, 2 * radius, 2 * radius] = 1
    x = np.arange(-2 * radius, 2 * radius + 1)
    expected = np.where(abs(x) <= radius, np.exp(-(x**2) / (2 * sigma**2)), 0)
    expected = np.outer(expected, expected) / expected.sum() ** 2
    np.testing.assert_allclose(Blur(gaussian(sigma), CPU)(point)[0, 0].numpy(), expected, atol=1e-7)


LOPSIDED = np.random.default_rng(1).random((5, 7))


@pytest.mark.parametrize("psf", [gaussian(1.3), gaussian(0.8, 1.5), Psf(kernel=LOPSIDED)])
def test_the_blur_is_the_convolution_with_the_kernel(psf):
    image = np.random.default_rng(0).normal(size=(20, 24)).astype(np.float32)
    found = Blur(psf, CPU)(torch.from_numpy(image)[None, None])[0, 0].numpy()
    expected = ndimage.convolve(image.astype(np.float64), psf.kernel.astype(np.float64), mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(convolve(image[None], psf)[0], expected, atol=1e-5)


def test_of_a_volume_the_plane_in_focus_is_applied():
    image = torch.rand(1, 1, 16, 16)
    whole = np.stack([np.full((3, 3), 5.0), LOPSIDED[:3, :3], np.full((3, 3), 7.0)])
    found = Blur(Psf(kernel=whole), CPU)(image)
    torch.testing.assert_close(found, Blur(Psf(kernel=LOPSIDED[:3, :3]), CPU)(image))


def test_no_psf_changes_nothing():
    image = torch.rand(1, 1, 5, 5)
    assert torch.equal(Blur(None, CPU)(image), image)


def losses(objective, target, signal, *, sharp=None, mask=None, valid=None, black=None):
    """Losses of an objective for pixels, expected pixels and the image before the PSF, (N, Y, X)."""
    zeros = torch.zeros(len(target), dtype=target.dtype)
    patches = Patches(target, target, valid, zeros if black is None else black, zeros.long(), mask)
    return objective.losses(Emitted(signal=signal, sharp=signal if sharp is None else sharp), patches)


@pytest.mark.parametrize("positivity", [0.0, 1.0, 2.5])
def test_loss_is_the_published_formula_in_counts(positivity):
    """sum_M (x-s)^2 / (|M| std^2) + (lambda/std) mean |min(z, 0)|, patch by patch, in numpy."""
    rng = np.random.default_rng(1)
    x, s = rng.normal(30, 20, (2, 3, 16, 16))
    z = rng.normal(5, 20, (3, 16, 16))
    mean, std = 28.0, 19.0
    mask = draw_mask(3, 16, 5, 5, torch.Generator().manual_seed(0))
    pixels, signal, sharp = (torch.from_numpy((v - mean) / std) for v in (x, s, z))
    black = torch.full((3,), -mean / std, dtype=torch.float64)
    objective = Positivity(PixelError(), positivity) if positivity else PixelError()
    found = losses(objective, pixels, signal, sharp=sharp, mask=mask, black=black)
    for n in range(3):
        where = np.zeros(256, bool)
        where[mask.hidden[n][mask.counts[n]].numpy()] = True
        where = where.reshape(16, 16)
        error = np.sum((x[n] - s[n])[where] ** 2) / (where.sum() * std**2)
        penalty = positivity / std * np.mean(np.abs(np.minimum(z[n], 0)))
        assert float(found[n]) == pytest.approx(error + penalty, rel=1e-12)


def test_pixels_that_were_not_measured_do_not_count():
    mask = draw_mask(1, 16, 4, 3, torch.Generator().manual_seed(0))
    x, s = torch.rand(2, 1, 16, 16, dtype=torch.float64)
    valid = torch.ones(1, 16, 16, dtype=torch.bool)
    out = mask.hidden[0, :3]
    valid.view(-1)[out] = False
    x.view(-1)[out] = torch.nan
    found = losses(PixelError(), x, s, mask=mask, valid=valid)
    rest = mask.hidden[0, 3:]
    expected = (x - s).view(-1)[rest].square().mean()
    assert float(found) == pytest.approx(float(expected))


def test_without_a_mask_all_measured_pixels_count():
    x, s = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    found = losses(PixelError(), x, s)
    torch.testing.assert_close(found, (x - s).square().mean((1, 2)))
    valid = torch.rand(3, 16, 16) > 0.3
    x[~valid] = torch.nan
    found = losses(PixelError(), x, s, valid=valid)
    for n in range(3):
        torch.testing.assert_close(found[n], (x - s)[n][valid[n]].square().mean())


def test_plateau_follows_torch():
    method = Noise2Void(schedule="plateau", patience=2, factor=0.5, learning_rate=1e-2, warmup=0)
    rate = Rate(method)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1e-2)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, patience=2, factor=0.5)
    values = np.random.default_rng(0).uniform(0.9, 1.0, 60) - np.linspace(0, 0.1, 60)
    lowered = set()
    for value in values:
        rate.watch(float(value))
        theirs.step(float(value))
        assert rate.at(0, 0.0) == pytest.approx(optimiser.param_groups[0]["lr"])
        lowered.add(rate.at(0, 0.0))
    assert len(lowered) > 3


def test_cosine_starts_warm_and_ends_at_nothing():
    rate = Rate(Noise2Void(schedule="cosine", warmup=10, learning_rate=1e-3))
    assert rate.at(0, 0.0) == pytest.approx(1e-4)
    assert rate.at(9, 0.0) == pytest.approx(1e-3)
    assert rate.at(50, 0.5) == pytest.approx(5e-4)
    assert rate.at(99, 1.0) == pytest.approx(0.0)
