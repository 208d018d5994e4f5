import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from core.errors import QuietfieldError
from core.findings import kinds
from core.learning import data
from core.learning.methods import Noise2Noise
from core.learning.pairs import FramePairs, frames_of, other_frame
from core.learning.sampling import draw_places
from core.learning.trainer import Trainer
from core.learning.training_advice import motion
from core.methods.apply import evaluate
from core.stack import Stack, plane_regions
from tests.core.learning_data import small, trained, watched
from tests.data import DATA, needs_data


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def still(frames=4, side=64, seed=1):
    """Frames (T, Y, X) of one scene."""
    rng = np.random.default_rng(seed)
    scene = ndimage.gaussian_filter(rng.normal(size=(side, side)), 3, mode="wrap")
    photons = 20 * np.exp(0.7 * scene / scene.std())
    return Stack.of((3 * rng.poisson(photons, (frames, side, side)) + 100).astype(np.uint16), "TYX")


def test_partners_are_all_other_frames_alike_and_never_the_same():
    index = torch.arange(12).repeat(3000)  # 4 times of 3 planes
    other = other_frame(index, 12, 4, generator())
    assert torch.equal(other % 3, index % 3)
    ahead = ((other - index) // 3) % 4
    values, counts = ahead.unique(return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert counts.min() > 0.95 * counts.float().mean()


def coded(shape, axes):
    """Stack whose pixel values encode time (thousands), channel or depth (hundreds) and position."""
    index = np.indices(shape)
    place = index[-2] * 10 + index[-1]
    return Stack.of((index[0] * 10_000 + index[1] * 1000 + place).astype(np.float32), axes)


@pytest.mark.parametrize("limit", [10**9, 4 * 8 * 9 * 4])
def test_pairs_show_the_same_place_at_another_time(limit):
    stack = coded((5, 2, 8, 9), "TCYX")
    tiles = FramePairs(stack, data.split(stack, 0.0, 8), 8, limit)
    assert tiles.partial is (limit < 10**9)
    rng = generator(3)
    tiles.choose(rng)
    list(tiles.load(0.0, by_channel=False))
    for _ in range(20):
        tiles.refresh(rng)
        places = draw_places(16, (tiles.count, *tiles.shape), 8, "eight", rng)
        pixels, target, valid = tiles.pair(places, 8, rng)
        assert valid is None
        norm = tiles.normalisation
        first, second = ((t * norm.std[0] + norm.mean[0]).round().long() for t in (pixels, target))
        assert torch.equal(first % 10_000, second % 10_000)
        times = (first // 10_000 != second // 10_000).flatten(1)
        assert bool(times.all())


def test_every_two_frames_meet():
    stack = coded((4, 1, 8, 8), "TCYX")
    tiles = FramePairs(stack, data.split(stack, 0.0, 8), 8)
    rng, met = generator(), set()
    tiles.choose(rng)
    list(tiles.load(0.0, by_channel=False))
    places = draw_places(400, (tiles.count, *tiles.shape), 8, "none", rng)
    pixels, target, _ = tiles.pair(places, 8, rng)
    norm = tiles.normalisation
    for first, second in zip(pixels[:, 0, 0].tolist(), target[:, 0, 0].tolist(), strict=True):
        times = [round((v * norm.std[0] + norm.mean[0]) / 10_000) for v in (first, second)]
        met.add(tuple(times))
    assert met == {(a, b) for a in range(4) for b in range(4) if a != b}


def test_frames_are_counted_along_time_only():
    assert frames_of(plane_regions((5, 2, 3, 8, 8)), "TCZYX") == 5
    assert frames_of(plane_regions((3, 8, 8)), "ZYX") == 1


def test_all_frames_are_trained_on_and_rows_held_out():
    stack = still(frames=2)
    found = data.split(stack, 0.25, 16, "Z")
    assert len(found.training) == len(found.held_out) == 2
    assert found.training[0][1] == slice(0, 48)
    _, reports = trained(stack, small(Noise2Noise, patch=16))
    assert math.isfinite(reports[-1].validation)


def test_validation_compares_with_another_frame():
    """Of frames 0 and 1000 alone, the other one is asked for: a network that copies is far off."""
    stack = coded((2, 1, 64, 64), "TCYX")
    looked_at = []

    def see(emitted, patches, losses):
        if not torch.is_grad_enabled():
            looked_at.append(patches)
        return losses

    model, _ = trained(stack, small(watched(Noise2Noise, see), steps=1))
    patches, norm = looked_at[0], model.normalisation
    assert patches.mask is None
    step = (patches.target - patches.pixels) * norm.std[0]
    torch.testing.assert_close(step.abs(), torch.full_like(step, 10_000.0), rtol=1e-3, atol=1.0)


def test_stacks_without_time_are_refused():
    stack = Stack.of(still().read(), "ZYX", name="depth.tif")
    with pytest.raises(QuietfieldError, match=r"depth\.tif has no time axis"):
        next(Trainer(stack, small(Noise2Noise), device="cpu").run())


@pytest.mark.parametrize("memory", [2**30, 5 * 48 * 64 * 4])
def test_stop_and_resume_is_bit_for_bit_one_training(memory):
    stack, method = still(frames=8), small(Noise2Noise, epoch=2, patch=16, batch=2)
    whole = Trainer(stack, method, device="cpu", memory=memory)
    list(whole.run())
    assert len(whole.model().resume["places"]) == (8 if memory == 2**30 else 4)
    first = Trainer(stack, method, device="cpu", memory=memory)
    run = first.run()
    while next(run).step < 9:
        pass
    run.close()
    second = Trainer(stack, method, device="cpu", memory=memory)
    second.restore(first.model())
    list(second.run())
    resumed = second.model().weights
    assert all(torch.equal(t, resumed[n]) for n, t in whole.model().weights.items())


def test_pixels_that_are_not_finite_do_no_harm():
    pixels = still().read().astype(np.float32)
    pixels[1, 10:14, 20:30] = np.nan
    stack = Stack.of(pixels, "TYX")
    model, reports = trained(stack, small(Noise2Noise))
    assert math.isfinite(reports[-1].loss)
    result = evaluate(stack, model.prediction("cpu"))[0]
    np.testing.assert_array_equal(np.isnan(result), np.isnan(pixels))


def test_moving_scenes_are_told_from_still_ones():
    assert motion(still()) is None
    pixels = still(frames=3).read()
    pixels[2] = np.roll(pixels[2], 1, axis=1)
    moves = motion(Stack.of(pixels, "TYX"))
    assert (moves.kind, moves.details) == (kinds.SCENE_MOVES, {"frame": 2})
    assert moves.value > moves.limit
    assert "Frame 3 differs" in moves.text
    assert moves.proposal.method == "n2v"
    _, reports = trained(Stack.of(pixels, "TYX"), small(Noise2Noise, steps=1))
    assert moves in reports[-1].findings


@needs_data
@pytest.mark.parametrize(
    ("name", "moves"),
    [
        ("fmd/confocal_mice_4frames_noisy.tif", False),
        ("fmd/twophoton_bpae_g_4frames_noisy.tif", False),
        ("fmd/widefield_bpae_g_4frames_noisy.tif", False),
        ("stacks/lysosomes_live_tyx.tif", True),
        ("stacks/timelapse_tyx.tif", True),
    ],
)
def test_recorded_stacks_are_judged_right(name, moves):
    from core.files import open_stack

    stack = open_stack(DATA / name)
    assert bool(motion(Stack(stack.source, "TYX", stack.meta))) is moves
