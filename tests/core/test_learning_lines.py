import numpy as np
import pytest
import torch
from scipy import ndimage

from core.findings import kinds
from core.learning.lines import draw_lines
from core.learning.masks import hide
from core.learning.methods import Noise2Void, StructNoise2Void
from core.learning.trainer import Trainer
from core.learning.training_advice import UNLIKE, alike, lines
from core.stack import Stack
from tests.core.learning_data import only, small, trained
from tests.data import DATA, needs_data


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("line", "share"), [("x", 1 / (4 * 10)), ("y", 1 / (10 * 4)), ("both", 1 / (10 * 10))]
)
def test_share_of_hidden_pixels(line, share):
    # boxes of 4 px, longer by 2 x 3 px along each line; a patch that whole boxes cover
    mask = draw_lines(50, 40, 4, 5, line, 3, generator())
    assert bool(mask.counts.all())
    assert mask.hidden.shape == (50, round(1600 * share))


@pytest.mark.parametrize("line", ["x", "y", "both"])
def test_lines_lie_about_hidden_pixels_and_show_what_lies_off_them(line):
    side, reach, around = 30, 3, 2
    mask = draw_lines(6, side, 3, 2 * around + 1, line, reach, generator())
    boxes = mask.hidden.shape[1]
    changed, shown = (t.reshape(6, boxes, -1) for t in (mask.changed, mask.shown))
    row, column = mask.hidden[..., None] // side, mask.hidden[..., None] % side
    across, down = changed % side - column, changed // side - row
    expected = set()
    if line != "y":
        expected |= {(0, far) for far in range(-reach, reach + 1)}
    if line != "x":
        expected |= {(far, 0) for far in range(-reach, reach + 1)}
    inside = (row[..., 0] >= reach) & (row[..., 0] < side - reach)
    inside &= (column[..., 0] >= reach) & (column[..., 0] < side - reach)
    for n, m in inside.nonzero().tolist():
        pairs = set(zip(down[n, m].tolist(), across[n, m].tolist(), strict=True))
        assert pairs == expected
    # what is shown lies near, and off the lines through the hidden pixel
    assert (shown // side - changed // side).abs().max() <= around
    assert (shown % side - changed % side).abs().max() <= around
    assert shown.min() >= 0
    assert shown.max() < side * side
    if line != "y":
        assert bool((shown // side != row).all())
    if line != "x":
        assert bool((shown % side != column).all())


def test_what_covered_pixels_show_is_drawn_evenly():
    mask = draw_lines(3000, 13, 3, 5, "x", 5, generator())  # one box across, whole boxes down
    middle = (mask.hidden == 6 * 13 + 6).nonzero()
    boxes = mask.hidden.shape[1]
    changed, shown = (t.reshape(3000, boxes, -1) for t in (mask.changed, mask.shown))
    offsets = []
    for n, m in middle.tolist():
        offsets += ((shown[n, m] // 13 - changed[n, m] // 13) * 5 + shown[n, m] % 13 - changed[n, m] % 13)[
            3:8
        ].tolist()
    values, counts = np.unique(offsets, return_counts=True)
    assert len(values) == 4 * 5  # two rows above and two below, five columns
    expected = counts.sum() / 20
    assert ((counts - expected) ** 2 / expected).sum() < 20 + 5 * 40**0.5


def test_nothing_on_a_covered_line_is_seen():
    """Change the noise of a whole line: the input is unchanged where its middle is predicted."""
    patches = torch.rand(1, 40, 40, generator=generator(1))
    mask = draw_lines(1, 40, 4, 5, "x", 4, generator())
    for at in mask.hidden[0][mask.counts[0]][:8].tolist():
        row, column = divmod(at, 40)
        other = patches.clone()
        other[0, row, max(column - 4, 0) : column + 5] += 100.0
        seen = hide(other, mask)[0, row, max(column - 4, 0) : column + 5]
        assert float(seen.max()) < 2.0


def correlated(axis, frames=2, side=128, span=2, seed=0):
    """Frames (T, Y, X) with flat places, whose noise neighbours along an axis share."""
    rng = np.random.default_rng(seed)
    scene = ndimage.gaussian_filter(rng.normal(size=(frames, side, side)), (0, 6, 6), mode="wrap")
    noise = ndimage.uniform_filter1d(rng.normal(size=scene.shape), span, axis=axis, mode="wrap")
    return Stack.of((200 + 300 * scene / scene.std() + 100 * noise).astype(np.float32), "TYX")


@pytest.mark.parametrize(("axis", "line", "where"), [(2, "x", "rows"), (1, "y", "columns")])
@pytest.mark.parametrize("span", [2, 4])
def test_lines_are_proposed_along_what_was_measured(axis, line, where, span):
    line_found, finding = lines(correlated(axis, span=span), 5)
    assert line_found == line
    assert finding.kind == kinds.LINES_MASKED
    assert f"lines of 11 pixels along {where} are masked" in finding.text


def test_no_lines_are_proposed_for_independent_noise():
    line, finding = lines(correlated(1, span=1), 5)
    assert line == ""
    assert finding.kind in (kinds.LINES_UNNECESSARY, kinds.LINES_UNKNOWN)


def test_structure_is_as_much_alike_along_rows_as_along_columns():
    structure = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(128, 128)), 1.5)
    assert abs(alike(structure) - alike(structure.T)) < 0.5 * UNLIKE


def test_third_differences_show_the_correlation_of_noise_and_not_of_a_smooth_scene():
    rng = np.random.default_rng(3)
    scene = 60 * ndimage.gaussian_filter(rng.normal(size=(300, 300)), 4) / 0.07
    noise = ndimage.uniform_filter1d(rng.normal(size=(300, 300)), 3, axis=1, mode="wrap")
    # the mean of three independent pixels shares two of them with its neighbour
    assert alike(scene + 30 * noise) == pytest.approx(2 / 3, abs=0.03)
    assert alike((scene + 30 * noise).T) == pytest.approx(0, abs=0.03)
    holes = scene + 30 * noise
    holes[50:60, 50:60] = np.nan
    assert alike(holes) == pytest.approx(2 / 3, abs=0.03)
    assert alike(np.full((20, 20), 7.0)) == 0


@needs_data
def test_widefield_images_get_lines_along_both_axes():
    from core.files import open_stack

    stack = open_stack(DATA / "fmd" / "widefield_bpae_g_4frames_noisy.tif")
    assert lines(stack, 5)[0] == "both"  # README of the data: correlated by about 0.6


def test_the_trained_network_remembers_the_line_and_training_goes_on_bit_for_bit():
    stack = correlated(2, side=64)
    method = small(StructNoise2Void, epoch=2, reach=3)
    whole, reports = trained(stack, method)
    assert whole.method == small(StructNoise2Void, epoch=2, reach=3, line="x")
    assert only(reports[-1].findings, kinds.LINES_MASKED).details["where"] == "rows"
    first = Trainer(stack, method, device="cpu")
    run = first.run()
    while next(run).step < 5:
        pass
    run.close()
    second = Trainer(stack, method, device="cpu")
    second.restore(first.model())
    list(second.run())
    assert all(torch.equal(whole.weights[n], t) for n, t in second.model().weights.items())


def test_without_lines_it_is_noise2void():
    stack = correlated(2, side=64, span=1)
    struct = trained(stack, small(StructNoise2Void, line="none"))[0]
    plain = trained(stack, small(Noise2Void))[0]
    assert all(torch.equal(plain.weights[n], t) for n, t in struct.weights.items())
