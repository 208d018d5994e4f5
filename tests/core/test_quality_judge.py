"""Estimated errors without a reference against true errors, for images whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import spearmanr

from core import catalogue
from core.errors import QuietfieldError
from core.findings import kinds
from core.methods.apply import apply
from core.methods.base import Bindable
from core.noise.models import PoissonGaussian
from core.progress import Cancelled, Context
from core.quality.judge import Judge
from core.quality.judgement import better, difference
from core.quality.recorruption import correlated
from core.stack import Stack

FILTERS = [("gaussian", {"sigma": sigma}) for sigma in (0.4, 0.6, 1.0, 1.6, 2.5, 4.0)]
FILTERS += [("box", {"size": 3}), ("box", {"size": 7}), ("median", {"size": 3}), ("median", {"size": 5})]


def scene(side: int = 256, seed: int = 0) -> np.ndarray:
    """Blurred discs of random brightness on a dark background, 0 to about 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    image = np.zeros((side, side))
    for _ in range(40):
        radius = rng.uniform(3, 18)
        inside = (y - rng.uniform(0, side)) ** 2 + (x - rng.uniform(0, side)) ** 2 < radius**2
        image += inside * rng.uniform(0.2, 0.6)
    return ndimage.gaussian_filter(image, 1.5)


def camera(photons: float, read_noise: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """A noisy image with its truth: gain 5, offset 100."""
    truth = 100 + 5 * photons * (scene() + 0.05)
    model = PoissonGaussian.camera(gain=5.0, offset=100.0, read_noise=read_noise)
    return np.rint(model.sample(truth, np.random.default_rng(1))), truth


def stack(image: np.ndarray, axes: str = "YX") -> Stack:
    return Stack.of(image.astype(np.float32), axes, name="noisy")


def made(name: str, values: dict) -> Bindable:
    return catalogue.create(name, values)


def true_share(noisy: np.ndarray, truth: np.ndarray, method: Bindable, noise: float) -> float:
    result = apply(stack(noisy), method)[0].read()
    return float(np.mean((result - truth) ** 2)) / noise


@pytest.mark.parametrize("photons", [3, 20, 150])
def test_estimates_agree_with_the_truth_and_rank_like_it(photons: float) -> None:
    noisy, truth = camera(photons)
    judge = Judge(stack(noisy))
    assert judge.valid
    found = [judge.judge(made(*one)) for one in FILTERS]
    true = [true_share(noisy, truth, made(*one), judge.noise) for one in FILTERS]
    for one, actual in zip(found, true, strict=True):
        # that of an image with 12 % more noise variance
        assert one.share == pytest.approx(actual, abs=3 * one.share_error + 0.12 * actual)
    assert spearmanr([one.share for one in found], true).statistic > 0.95
    for a, actual_a in zip(found, true, strict=True):
        for b, actual_b in zip(found, true, strict=True):
            assert not (better(a, b) and actual_a > 1.05 * actual_b)


def test_correlated_noise_is_not_taken_for_signal() -> None:
    truth = 500 + 2000 * scene()
    rng = np.random.default_rng(2)
    line = np.array([0.02, 0.5, 1.0, 0.5, 0.02])
    noisy = truth + 60 * correlated(np.outer(line, line), truth.shape, rng)
    judge = Judge(stack(noisy))
    found = [judge.judge(made(*one)).share for one in FILTERS]
    true = [true_share(noisy, truth, made(*one), judge.noise) for one in FILTERS]
    assert spearmanr(found, true).statistic > 0.95
    assert int(np.argmin(found)) == int(np.argmin(true))


def test_few_photons_are_divided_so_that_medians_are_judged_right() -> None:
    noisy, truth = camera(2.0, read_noise=0.0)
    judge = Judge(stack(noisy))
    assert judge.noise == pytest.approx(5 * np.mean(truth - 100), rel=0.1)
    median, blur = made("median", {"size": 5}), made("gaussian", {"sigma": 1.5})
    for method in (median, blur):
        found = judge.judge(method, draws=4)
        actual = true_share(noisy, truth, method, judge.noise)
        assert found.share == pytest.approx(actual, abs=3 * found.share_error + 0.12 * actual)
    assert better(judge.judge(blur), judge.judge(median))


def test_drawn_noise_has_the_variance_and_autocorrelation_asked_for() -> None:
    line = np.array([0.1, 0.4, 1.0, 0.4, 0.1])
    noise = correlated(np.outer(line, line), (400, 300), np.random.default_rng(3))
    assert noise.var() == pytest.approx(1.0, abs=0.03)
    for distance, expected in ((1, 0.4), (2, 0.1), (4, 0.0)):
        assert np.mean(noise[:, distance:] * noise[:, :-distance]) == pytest.approx(expected, abs=0.03)
        assert np.mean(noise[distance:] * noise[:-distance]) == pytest.approx(expected, abs=0.03)


def test_instant_is_judged_with_the_noise_of_the_noisier_images() -> None:
    noisy, truth = camera(20)
    judge, instant = Judge(stack(noisy)), made("instant", {})
    found = judge.judge(instant, draws=1)
    assert found.share == pytest.approx(
        true_share(noisy, truth, instant, judge.noise), abs=3 * found.share_error
    )
    assert better(found, judge.judge(made("gaussian", {"sigma": 1.0}), draws=1))


def test_estimates_depend_on_the_seed_only() -> None:
    noisy, _ = camera(20)
    method = made("gaussian", {"sigma": 1.0})
    first, second, other = (Judge(stack(noisy), seed=seed).judge(method, 1) for seed in (0, 0, 1))
    assert first.share == second.share != other.share
    assert difference(first, second) == (0.0, 0.0)


def test_psnr_and_interval_follow_from_the_error() -> None:
    noisy, truth = camera(20)
    judge = Judge(stack(noisy))
    found = judge.judge(made("gaussian", {"sigma": 1.0}))
    assert found.psnr == pytest.approx(10 * np.log10(found.span**2 / found.mse))
    low, high = found.interval
    assert low < found.psnr < high
    assert found.span == pytest.approx(np.ptp(ndimage.gaussian_filter(noisy, 1.5)), rel=1e-3)
    assert found.span == pytest.approx(np.ptp(truth), rel=0.2)


def test_stacks_are_judged_in_every_channel_and_over_time() -> None:
    noisy, _ = camera(20)
    rng = np.random.default_rng(4)
    frames = np.stack([[noisy[:, ::1], 3 * noisy] for _ in range(4)])
    frames[:, 0] += rng.normal(0, 5, frames[:, 0].shape)
    judge = Judge(stack(frames, "TCYX"), region=None)
    assert judge.judge(made("gaussian", {"sigma": 1.0}), draws=1).blocks.size == 2 * 3 * 64
    one = Judge(stack(frames, "TCYX"), region=(slice(1, 2), slice(0, 1), slice(0, 128), slice(64, 192)))
    assert one.judge(made("gaussian", {"sigma": 1.0}), draws=1).blocks.size == 16


def test_noise_that_frames_share_makes_methods_along_time_doubtful() -> None:
    rng = np.random.default_rng(5)
    clean = 300 + 500 * scene()
    fresh = rng.normal(0, 30, (9, *clean.shape))
    running = stack(clean + (fresh[1:] + fresh[:-1]) / np.sqrt(2), "TYX")
    judge = Judge(running)
    along = judge.judge(made("box-3d", {}), draws=1)
    assert [f.kind for f in along.findings] == [kinds.JUDGED_SHARED_NOISE]
    assert not judge.judge(made("gaussian", {"sigma": 1.0}), draws=1).findings


def test_what_cannot_be_judged_says_so() -> None:
    with pytest.raises(QuietfieldError, match="40 x 200 pixels"):
        Judge(stack(camera(20)[0][:40, :200]))
    with pytest.raises(QuietfieldError, match="No noise was found"):
        Judge(stack(np.full((128, 128), 7.0)))
    with pytest.raises(QuietfieldError, match="never recorded"):
        Judge(stack(np.pad(camera(20)[0], ((0, 0), (0, 2000)))))
    judge, context = Judge(stack(camera(20)[0])), Context()
    context.cancel()
    with pytest.raises(Cancelled):
        judge.judge(made("gaussian", {"sigma": 1.0}), context=context)


def test_the_error_of_the_noisy_image_is_its_noise() -> None:
    judge = Judge(stack(camera(20)[0]))
    assert judge.unchanged().share == pytest.approx(1.0, abs=0.05)
    assert better(judge.judge(made("gaussian", {"sigma": 1.0})), judge.unchanged())


def test_saturated_pixels_are_left_out() -> None:
    noisy, truth = camera(60)
    limit = float(np.quantile(noisy, 0.9))
    clipped = np.minimum(noisy, limit)
    judge = Judge(stack(clipped))
    method = made("gaussian", {"sigma": 1.0})
    found = judge.judge(method)
    inside = ndimage.maximum_filter(truth, 9) < limit - 60
    result = apply(stack(clipped), method)[0].read()
    actual = float(np.mean((result - truth)[inside] ** 2)) / judge.noise
    assert found.share == pytest.approx(actual, rel=0.35)


def test_pixels_that_were_never_recorded_do_not_count() -> None:
    noisy, truth = camera(20)
    method = made("gaussian", {"sigma": 1.0})
    filled = np.pad(noisy, ((96, 96), (0, 128)))
    with_nan = np.pad(noisy, ((96, 96), (0, 128)), constant_values=np.nan)
    alone, true = Judge(stack(noisy)), true_share(noisy, truth, method, Judge(stack(noisy)).noise)
    for image in (filled, with_nan):
        judge = Judge(stack(image))
        assert judge.noise == pytest.approx(alone.noise, rel=0.1)
        found = judge.judge(method)
        assert found.share == pytest.approx(true, abs=3 * found.share_error + 0.12 * true)


def test_a_region_whose_usable_pixels_are_scattered_is_refused() -> None:
    """Every block has 0.4 of its pixels, which is too few in each."""
    noisy, _ = camera(20)
    image = noisy.astype(np.float32)
    image[:, np.arange(image.shape[1]) % 32 >= 12] = np.nan
    with pytest.raises(QuietfieldError, match="saturated or were never recorded"):
        Judge(stack(image))
