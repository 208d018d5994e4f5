import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.learning.masks import draw_mask, hide


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_masking_share_is_the_published_one():
    # methods of 2020: stratified 6-px boxes on a 100x100 patch hide 2.78 % = 1/36 of the pixels
    mask = draw_mask(400, 100, 6, 5, generator())
    assert mask.hidden.shape == (400, 17 * 17)
    share = mask.counts.float().mean(1) * 289 / 10_000
    assert float(share.mean()) == pytest.approx(1 / 36, rel=5e-3)
    assert float(share.max()) <= 0.0289
    assert float(share.min()) >= 256 / 10_000  # the 16x16 whole boxes always count


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 60), st.integers(2, 9), st.sampled_from([3, 5, 7]), st.integers(0, 2**31))
def test_masks_are_right_for_every_size(side, box, neighbourhood, seed):
    mask = draw_mask(3, side, box, neighbourhood, generator(seed))
    row, column = mask.hidden // side, mask.hidden % side
    other_row, other_column = mask.shown // side, mask.shown % side
    assert mask.hidden.min() >= 0
    assert mask.hidden.max() < side * side
    # one pixel in each box
    boxes = -(-side // box)
    own = torch.arange(boxes * boxes)
    assert torch.equal(row // box * boxes + column // box, own.expand(3, -1))
    # replaced by another pixel, in the neighbourhood, inside the patch
    reach = neighbourhood // 2
    assert (other_row - row).abs().max() <= reach
    assert (other_column - column).abs().max() <= reach
    assert other_row.min() >= 0
    assert other_row.max() < side
    assert other_column.max() < side
    assert torch.equal(mask.shown != mask.hidden, mask.counts)


def test_hidden_pixels_and_replacements_are_uniform():
    mask = draw_mask(4000, 18, 6, 5, generator())
    middle = 4  # the box in the middle of nine: its neighbourhoods lie inside the patch
    hidden, shown = mask.hidden[:, middle], mask.shown[:, middle]
    offsets = (shown // 18 - hidden // 18) * 5 + shown % 18 - hidden % 18
    for values, kinds in ((hidden, 36), (offsets, 24)):
        counts = np.unique(values.numpy(), return_counts=True)[1]
        assert len(counts) == kinds
        expected = 4000 / kinds
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert chi_squared < kinds + 5 * (2 * kinds) ** 0.5


def test_replacements_at_a_corner_are_uniform_over_what_is_there():
    mask = draw_mask(20_000, 8, 8, 5, generator())
    at_corner = mask.shown[mask.hidden == 0]
    values, counts = np.unique(at_corner.numpy(), return_counts=True)
    assert values.tolist() == [1, 2, 8, 9, 10, 16, 17, 18]  # the other eight of a 3x3 corner
    assert counts.min() > 0.5 * counts.mean()


def test_hiding_shows_the_replacement_and_leaves_the_rest():
    patches = torch.arange(2 * 12 * 12, dtype=torch.float32).reshape(2, 12, 12)
    mask = draw_mask(2, 12, 5, 3, generator())
    result = hide(patches, mask).flatten(1)
    flat = patches.flatten(1)
    expected = flat.clone()
    for n in range(2):
        for at, shown in zip(mask.hidden[n].tolist(), mask.shown[n].tolist(), strict=True):
            expected[n, at] = flat[n, shown]
    assert torch.equal(result, expected)
    assert torch.equal(flat, patches.flatten(1))


@pytest.mark.parametrize(("side", "box", "neighbourhood"), [(12, 4, 5), (16, 5, 3), (9, 3, 7)])
def test_hidden_pixels_show_the_median_of_all_others_around(side, box, neighbourhood):
    # Höck et al. 2022: the median of the neighbourhood without its centre
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(3, side, side))
    mask = draw_mask(3, side, box, neighbourhood, generator(), median=True)
    found = hide(torch.from_numpy(patches), mask).numpy()
    expected, reach = patches.copy(), neighbourhood // 2
    for n in range(3):
        for at, counts in zip(mask.hidden[n].tolist(), mask.counts[n].tolist(), strict=True):
            if not counts:
                continue
            row, column = divmod(at, side)
            rows = slice(max(row - reach, 0), row + reach + 1)
            columns = slice(max(column - reach, 0), column + reach + 1)
            around = np.where(np.arange(side * side).reshape(side, side) == at, np.nan, patches[n])
            expected[n, row, column] = np.nanmedian(around[rows, columns])
    np.testing.assert_allclose(found, expected)
    assert int((found != patches).sum()) == int(mask.counts.sum())


def test_medians_hide_the_same_pixels_as_single_ones():
    single = draw_mask(5, 40, 3, 5, generator(7))
    median = draw_mask(5, 40, 3, 5, generator(7), median=True)
    assert torch.equal(single.hidden, median.hidden)
    assert torch.equal(single.counts, median.counts)


def test_a_hidden_pixel_cannot_be_told_from_what_is_shown():
    """The input of the network does not depend on the value of a hidden pixel."""
    patches = torch.rand(2, 24, 24, generator=generator(1))
    for median in (False, True):
        mask = draw_mask(2, 24, 4, 5, generator(), median=median)
        for n in range(2):
            for at in mask.hidden[n][mask.counts[n]][:10].tolist():
                other = patches.clone()
                other[n].view(-1)[at] += 100.0
                shown, changed = hide(patches, mask), hide(other, mask)
                assert shown[n].view(-1)[at] == changed[n].view(-1)[at]
