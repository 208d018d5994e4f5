import numpy as np
import pytest
import torch

from core.learning.sampling import ORIENTATIONS, Places, draw_places, gather


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("orientation", range(8))
def test_patches_are_cut_and_oriented(orientation):
    rng = np.random.default_rng(0)
    tiles = rng.normal(size=(3, 20, 30)).astype(np.float32)
    places = Places(*(torch.tensor([v]) for v in (2, 5, 17, orientation)))
    cut = gather(torch.from_numpy(tiles), places, 8)[0].numpy()
    expected = tiles[2, 5:13, 17:25]
    if orientation & 1:
        expected = expected[::-1]
    if orientation & 2:
        expected = expected[:, ::-1]
    if orientation & 4:
        expected = expected.T
    np.testing.assert_array_equal(cut, expected)


def test_rotations_are_the_four_of_rot90():
    tiles = torch.arange(16.0).reshape(1, 4, 4)
    zero = torch.tensor([0])
    made = {
        tuple(gather(tiles, Places(zero, zero, zero, torch.tensor([o])), 4).flatten().tolist())
        for o in ORIENTATIONS["rotations"]
    }
    assert made == {tuple(torch.rot90(tiles[0], k).flatten().tolist()) for k in range(4)}


def test_places_cover_the_stack_and_repeat_with_the_seed():
    first = draw_places(2000, (3, 10, 12), 8, "eight", generator(4))
    assert set(first.tile.tolist()) == {0, 1, 2}
    assert set(first.row.tolist()) == {0, 1, 2}
    assert set(first.column.tolist()) == {0, 1, 2, 3, 4}
    assert set(first.orientation.tolist()) == set(range(8))
    again = draw_places(2000, (3, 10, 12), 8, "eight", generator(4))
    assert torch.equal(first.row, again.row)


def test_without_exchange_rows_stay_rows():
    for augment, expected in (("eight", {0, 1, 2, 3}), ("rotations", {0, 3}), ("none", {0})):
        places = draw_places(500, (1, 10, 12), 8, augment, generator(4), exchange=False)
        assert set(places.orientation.tolist()) == expected
