import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.checkpoint import load_model, save_model
from core.errors import QuietfieldError
from core.findings import kinds
from core.learning import data
from core.learning.methods import DecoNoising, Noise2Noise, Noise2Void, Quietfield, StructNoise2Void
from core.learning.tiles import MEMORY_BYTES
from core.learning.trainer import Trainer
from core.methods.apply import evaluate
from core.progress import Cancelled, Context
from core.stack import ArraySource, Stack
from tests.core.learning_data import kinds_in, only, scene, small, spoilt, trained, watched


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def psnr(image, truth):
    return 10 * math.log10((truth.max() - truth.min()) ** 2 / np.mean((image - truth) ** 2))


def take(trainer, steps, **given):
    """Reports of a trainer until it has done some steps; then it is stopped."""
    run = trainer.run(**given)
    for report in run:
        if report.step >= steps:
            break
    run.close()


def test_reports_tell_how_it_goes():
    model, reports = trained(scene()[0], small())
    last = reports[-1]
    assert (last.step, last.steps, last.epoch, last.epochs) == (12, 12, 2, 3)
    assert last.seconds > 0
    assert last.seconds_left == 0
    assert math.isfinite(last.loss)
    assert math.isfinite(last.validation)
    assert last.pixels_per_second > 0
    assert [r.step for r in reports] == sorted(r.step for r in reports)
    assert [point[0] for point in model.record.curve] == [5, 10, 12]
    assert model.record.steps == 12
    assert model.record.source["name"] == "scene"


class Counting:
    """Pixels that count how often they are read."""

    def __init__(self, stack):
        self.source, self.reads = stack.source, 0
        self.shape, self.dtype = stack.shape, stack.dtype

    def read(self, region):
        self.reads += 1
        return self.source.read(region)


@pytest.mark.parametrize("cls", [Quietfield, StructNoise2Void, Noise2Noise, DecoNoising])
def test_making_a_trainer_reads_no_pixel(cls):
    stack = scene()[0]
    counted = Counting(stack)
    trainer = Trainer(Stack(counted, "TYX", stack.meta), small(cls, patch=64), device="cpu")
    assert counted.reads == 0
    assert not trainer.finished
    next(trainer.run())
    assert counted.reads > 0


def test_deciding_what_depends_on_the_stack_reports_and_can_be_stopped():
    told = []

    def report(fraction, text):
        told.append((fraction, text))
        if len(told) == 5:
            context.cancel()

    stack, method = scene(frames=8)[0], small(Quietfield, steps=2, patch=64)
    context = Context(report)
    trainer = Trainer(stack, method, device="cpu")
    with pytest.raises(Cancelled):
        next(trainer.run(context))
    assert len(told) == 5
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert all(text for _, text in told)
    assert next(trainer.run()).step == 0  # it can be run again


def test_training_makes_a_noisy_stack_better():
    stack, truth = scene(frames=4, side=96, noise=60)
    method = small(width=16, batch=8, steps=150, learning_rate=2e-3, validation=0.0)
    model, _ = trained(stack, method)
    denoised = evaluate(stack, model.prediction("cpu"))[0]
    assert psnr(denoised, truth) > psnr(stack.read(), truth) + 6


def test_deconvolved_image_is_sharper_than_denoised():
    stack, _ = scene(noise=30)
    model, _ = trained(stack, small(DecoNoising, sigma=1.5, steps=60))
    denoised, deconvolved = evaluate(stack, model.prediction("cpu"))
    assert np.diff(deconvolved).std() > np.diff(denoised).std()


def test_same_seed_same_network():
    stack = scene()[0]
    first, second, other = (trained(stack, small(seed=seed))[0] for seed in (3, 3, 4))
    assert same(first.weights, second.weights)
    assert not same(first.weights, other.weights)
    assert first.record.curve == second.record.curve


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"keep": "best", "average": 0.0, "schedule": "plateau", "patience": 0, "reduction": "sum"},
        {"keep": "last", "augment": "none", "schedule": "constant"},
    ],
)
def test_stop_and_resume_is_bit_for_bit_one_training(changes):
    stack = scene()[0]
    method = small(DecoNoising, epoch=2, **changes)
    whole, _ = trained(stack, method)
    first = Trainer(stack, method, device="cpu")
    take(first, 5)
    stopped = first.model()
    assert 0 < stopped.record.steps < 12
    second = Trainer(stack, method, device="cpu")
    second.restore(stopped)
    for _ in second.run():
        pass
    resumed = second.model()
    assert same(whole.weights, resumed.weights)
    assert whole.record.curve == resumed.record.curve


def test_running_again_after_a_stop_goes_on():
    stack = scene()[0]
    whole, _ = trained(stack, small(epoch=2))
    trainer = Trainer(stack, small(epoch=2), device="cpu")
    take(trainer, 4)
    for _ in trainer.run():
        pass
    assert same(whole.weights, trainer.model().weights)


def test_a_stop_while_held_out_parts_are_looked_at_changes_nothing(tmp_path):
    """With a report after every patch it is stopped in the middle of the second epoch's."""
    stack, method = scene()[0], small(epoch=3, steps=9, batch=1, schedule="plateau", patience=0)
    whole, _ = trained(stack, method)
    stopped = Trainer(stack, method, device="cpu")
    run = stopped.run(every=0.0)
    next(report for report in run if report.step == 6 and report.doing.startswith("Validating"))
    run.close()
    save_model(tmp_path / "half.quietfield", stopped.model())
    assert [step for step, *_ in stopped.model().record.curve] == [3]
    later = Trainer(stack, method, device="cpu")
    later.restore(load_model(tmp_path / "half.quietfield"))
    for trainer in (stopped, later):
        list(trainer.run())
        assert same(whole.weights, trainer.model().weights)
        assert trainer.model().record.curve == whole.record.curve


def test_closing_the_generator_leaves_a_usable_network():
    stack = scene()[0]
    trainer = Trainer(stack, small(epoch=1), device="cpu")
    take(trainer, 2)
    model = trainer.model()
    assert np.isfinite(evaluate(stack, model.prediction("cpu"))[0]).all()
    before = {name: tensor.clone() for name, tensor in model.weights.items()}
    take(trainer, 6)
    assert same(before, model.weights)  # it is a copy


def test_network_from_another_stack_is_a_warm_start():
    model, _ = trained(scene(seed=1)[0], small())
    trainer = Trainer(scene(seed=2)[0], small(), device="cpu")
    trainer.restore(model)
    reports = list(trainer.run())
    assert kinds.TRAINING_RESTARTED in kinds_in(reports[-1].findings)
    assert trainer.model().record.steps == 12


def test_another_kind_of_network_is_not_gone_on_with():
    model, _ = trained(scene()[0], small(steps=1))
    with pytest.raises(QuietfieldError, match="width 8"):
        Trainer(scene()[0], small(width=12), device="cpu").restore(model)


def test_a_time_limit_ends_training():
    stack = scene()[0]
    model, reports = trained(stack, small(steps=0, seconds=0.3))
    assert reports[-1].seconds >= 0.3
    assert reports[-1].seconds_left == 0
    assert model.record.steps == reports[-1].step > 0


def again_and_again(times, first=7):
    """Steps whose loss is NaN, if training goes back by a step from each, in epochs of two."""
    return range(first, first + 2 * times, 2)


def test_loss_that_is_no_number_restarts_at_half_the_rate():
    stack, changes = scene()[0], {"steps": 20, "epoch": 2, "learning_rate": 1e-3, "schedule": "constant"}
    trainer = Trainer(stack, small(spoilt(7), **changes), device="cpu")
    reports = list(trainer.run())
    model = trainer.model()
    broke = only(reports[-1].findings, kinds.TRAINING_BROKE_DOWN)
    assert (broke.value, broke.details) == (5e-4, {"broken": 8, "step": 6})
    assert "continued from step 6 at half the learning rate, 0.0005." in broke.text
    assert [r.step for r in reports].count(6) == 2
    assert reports[-1].step == 20
    assert model.resume["rate"]["lowered"] == 0.5
    assert [point[0] for point in model.record.curve] == list(range(2, 21, 2))
    assert all(bool(torch.isfinite(t).all()) for t in model.weights.values())


def test_halving_survives_stopping(tmp_path):
    stack, changes = scene()[0], {"steps": 20, "epoch": 2, "keep": "last"}
    whole = Trainer(stack, small(spoilt(*again_and_again(2)), **changes), device="cpu")
    list(whole.run())
    first = Trainer(stack, small(spoilt(*again_and_again(2)), **changes), device="cpu")
    for report in first.run():
        if any(finding.value == 0.00025 for finding in report.findings):
            break
    save_model(tmp_path / "half.quietfield", first.model())
    second = Trainer(stack, small(**changes), device="cpu")
    second.restore(load_model(tmp_path / "half.quietfield"))
    list(second.run())
    lowered = [trainer.model().resume["rate"]["lowered"] for trainer in (whole, second)]
    assert lowered == [0.25, 0.25]
    assert same(whole.model().weights, second.model().weights)


def test_training_that_breaks_down_again_and_again_is_given_up():
    trainer = Trainer(scene()[0], small(spoilt(*again_and_again(6)), steps=40, epoch=2), device="cpu")
    last = list(trainer.run())[-1]
    assert only(last.findings, kinds.TRAINING_GIVEN_UP).value == 6
    assert trainer.finished
    assert last.step == 6
    assert all(bool(torch.isfinite(t).all()) for t in trainer.model().weights.values())
    enough = Trainer(scene()[0], small(spoilt(*again_and_again(5)), steps=12, epoch=2), device="cpu")
    assert list(enough.run())[-1].step == 12


def test_good_epochs_between_allow_any_number_of_restarts():
    trainer = Trainer(scene()[0], small(spoilt(*again_and_again(15, 2)), steps=16, epoch=1), device="cpu")
    assert list(trainer.run())[-1].step == 16
    assert trainer.model().resume["rate"]["lowered"] == 0.5**15


@pytest.mark.parametrize("keep", ["average", "best", "last"])
def test_network_spoilt_by_the_very_last_step_is_not_kept(keep):
    """The loss of the last step is a number, but not its gradient."""
    steps = []

    def see(emitted, patches, losses):
        if torch.is_grad_enabled():
            steps.append(len(steps) + 1)
            if steps[-1] == 5:
                return losses + (emitted.signal.mean() * 0).sqrt() * 0
        return losses

    trainer = Trainer(scene()[0], small(watched(Noise2Void, see), steps=40, epoch=2, keep=keep), device="cpu")
    take(trainer, 5, every=0.0)
    model = trainer.model()
    assert kinds.TRAINING_BROKE_DOWN in kinds_in(model.record.findings)
    assert model.record.steps == 4
    for tensors in (model.weights, model.resume["network"]):
        assert all(bool(torch.isfinite(t).all()) for t in tensors.values())


def test_memory_running_out_makes_portions_smaller_and_nothing_else():
    stack, sizes = scene()[0], []
    whole, _ = trained(stack, small(steps=3))

    def scarce(emitted, patches, losses):
        if torch.is_grad_enabled():
            sizes.append(len(losses))
            if len(losses) > 2:
                raise RuntimeError("CUDA out of memory")
        return losses

    model, _ = trained(stack, small(watched(Noise2Void, scarce), steps=3))
    assert sizes[:3] == [4, 2, 2]
    for name, tensor in model.weights.items():
        torch.testing.assert_close(tensor, whole.weights[name], rtol=1e-3, atol=1e-5)


def test_too_little_memory_for_one_patch_is_a_sentence():
    def scarce(emitted, patches, losses):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(QuietfieldError, match="not enough memory"):
        trained(scene()[0], small(watched(Noise2Void, scarce)))


def test_stack_larger_than_memory_is_read_piece_by_piece():
    stack, _ = scene(frames=8, side=96, noise=60)
    method = small(width=16, batch=8, steps=40, validation=0.0)
    trainer = Trainer(stack, method, device="cpu", memory=2 * 96 * 96 * 4)
    list(trainer.run())
    assert len(trainer.model().resume["places"]) == 2  # of the eight planes
    again = Trainer(stack, method, device="cpu", memory=2 * 96 * 96 * 4)
    take(again, 10)
    third = Trainer(stack, method, device="cpu", memory=2 * 96 * 96 * 4)
    third.restore(again.model())
    list(third.run())
    assert same(trainer.model().weights, third.model().weights)


def test_pixels_that_are_not_finite_do_no_harm():
    stack, _ = scene(noise=30)
    pixels = stack.read().astype(np.float32)
    pixels[0, 10:14, 20:30] = np.nan
    pixels[1, 3, 3] = np.inf
    holey = Stack(ArraySource(pixels), "TYX", stack.meta)
    model, reports = trained(holey, small(DecoNoising))
    assert math.isfinite(reports[-1].loss)
    assert model.normalisation.mean[0] + model.normalisation.offset == pytest.approx(
        float(pixels[:3][np.isfinite(pixels[:3])].mean()), rel=1e-5
    )
    result = evaluate(holey, model.prediction("cpu"))[0]
    np.testing.assert_array_equal(np.isfinite(result), np.isfinite(pixels))


@pytest.mark.parametrize(
    ("pixels", "axes", "words"),
    [
        (np.full((2, 40, 40), 7, np.uint8), "TYX", "Every pixel of it is 7"),
        (np.full((40, 40), np.nan, np.float32), "YX", "no finite pixels"),
        (np.zeros((3, 15, 200), np.uint16), "TYX", "200 x 15"),
        (np.zeros((1, 1), np.uint16), "YX", "1 x 1"),
    ],
)
def test_stacks_with_nothing_to_learn_from_are_refused(pixels, axes, words):
    with pytest.raises(QuietfieldError, match=words):
        list(Trainer(Stack.of(pixels, axes, name="it"), small(), device="cpu").run())


def test_patch_smaller_than_the_psf_is_refused():
    with pytest.raises(QuietfieldError, match="radius of 40 px"):
        next(Trainer(scene()[0], small(DecoNoising, sigma=10.0), device="cpu").run())


def test_unknown_device_is_refused():
    with pytest.raises(QuietfieldError, match="cpu"):
        next(Trainer(scene()[0], small(), device="cuda:7").run())


def test_patches_shrink_with_the_stack():
    stack = Stack.of(scene(frames=1, side=64)[0].read()[0, :30, :], "YX")
    _, reports = trained(stack, small(steps=2))
    assert only(reports[-1].findings, kinds.PATCHES_SMALLER).value == 28


def test_held_out_are_the_last_frames():
    stack = Stack.of(np.zeros((2, 10, 3, 40, 50), np.uint8), "TCZYX")
    found = data.split(stack, 0.3, 32)  # two time points are too few, three depths as well
    assert found.finding or found.held_out
    stack = Stack.of(np.zeros((10, 2, 40, 50), np.uint8), "TCYX")
    found = data.split(stack, 0.3, 32)
    assert {r[0].start for r in found.training} == set(range(7))
    assert {r[0].start for r in found.held_out} == {7, 8, 9}
    assert len(found.held_out) == 6


def test_of_one_frame_the_last_rows_or_columns_are_held_out():
    found = data.split(Stack.of(np.zeros((100, 80), np.uint8), "YX"), 0.3, 32)
    assert [r[0] for r in found.training] == [slice(0, 68)]
    assert [r[0] for r in found.held_out] == [slice(68, 100)]
    found = data.split(Stack.of(np.zeros((40, 80), np.uint8), "YX"), 0.3, 32)
    assert [r[1] for r in found.held_out] == [slice(48, 80)]
    assert data.split(Stack.of(np.zeros((40, 40), np.uint8), "YX"), 0.3, 32).finding


def test_channels_of_different_level_each_get_their_own_scale():
    one = scene(frames=4)[0].read().astype(np.float32)
    pixels = np.stack([one, one * 50 + 1000], axis=1)
    stack = Stack.of(pixels, "TCYX")
    model, _ = trained(stack, small(validation=0.0))
    first, second = model.normalisation.mean
    assert second == pytest.approx(first * 50 + 1000, rel=1e-4)
    assert model.normalisation.std[1] == pytest.approx(model.normalisation.std[0] * 50, rel=1e-4)
    denoised = evaluate(stack, model.prediction("cpu"))[0]
    np.testing.assert_allclose(denoised[:, 1], denoised[:, 0] * 50 + 1000, rtol=1e-3)
    together, _ = trained(stack, small(validation=0.0, normalise="global"))
    assert together.normalisation.mean[0] == pytest.approx(float(pixels.mean()), rel=1e-4)


def test_network_of_two_channels_refuses_other_stacks():
    stack = Stack.of(np.stack([scene()[0].read()] * 2, axis=1), "TCYX")
    prediction = trained(stack, small(steps=1))[0].prediction("cpu")
    with pytest.raises(QuietfieldError, match="2 channels, and the stack has one"):
        evaluate(scene()[0], prediction)
    three = Stack.of(np.zeros((3, 40, 40), np.uint8), "CYX")
    with pytest.raises(QuietfieldError, match="stack has 3"):
        evaluate(three, prediction)


def test_offset_is_subtracted_and_added_again():
    stack, _ = scene(noise=5)
    method = small(DecoNoising, estimate_offset=False, offset=100.0)
    norm = trained(stack, method)[0].normalisation
    assert norm.offset == 100
    assert norm.mean[0] == pytest.approx(float(stack.read()[:3].mean()) - 100, rel=1e-5)
    plain = trained(stack, replace(method, offset=0.0, positivity=0.0))[0]
    moved = trained(stack, replace(method, offset=100.0, positivity=0.0))[0]
    for a, b in zip(*(evaluate(stack, m.prediction("cpu")) for m in (plain, moved)), strict=True):
        np.testing.assert_allclose(a, b, atol=0.5)


def test_darkest_places_are_taken_for_the_camera_offset():
    rng = np.random.default_rng(0)
    image = np.zeros((4, 160, 160))
    image[:, 40:100, 30:120] = 80
    pixels = rng.poisson(image + 4).astype(np.float32) * 2.0 + 100
    assert data.darkest(pixels) == pytest.approx(108, abs=1.5)


def test_positivity_lifts_negative_light():
    stack, _ = scene(noise=5)
    low = float(stack.read().min())
    offset = low + 150  # too high on purpose: a third of the image would be negative
    kwargs = {"estimate_offset": False, "offset": offset, "steps": 80, "keep": "last"}
    without, with_it = (
        evaluate(stack, trained(stack, small(DecoNoising, positivity=p, **kwargs))[0].prediction("cpu"))[1]
        for p in (0.0, 20.0)
    )
    negative = [np.clip(offset - z, 0, None).mean() for z in (without, with_it)]
    assert negative[1] < 0.5 * negative[0]


def test_a_finished_network_is_not_trained_further_and_says_so():
    stack = scene()[0]
    model, _ = trained(stack, small())
    trainer = Trainer(stack, small(), device="cpu")
    trainer.restore(model)
    reports = [report for report in trainer.run() if not report.doing]
    assert [r.step for r in reports] == [12]
    assert only(reports[0].findings, kinds.TRAINING_COMPLETE).value == 12
    longer = Trainer(stack, small(steps=15), device="cpu")
    longer.restore(model)
    assert list(longer.run())[-1].step == 15


def test_reading_that_was_broken_off_begins_again():
    stack = scene(frames=8)[0]
    memory = 3 * 64 * 64 * 4
    whole = Trainer(stack, small(steps=3), device="cpu", memory=memory)
    list(whole.run())
    broken = Trainer(stack, small(steps=3), device="cpu", memory=memory)
    run = broken.run(every=0.0)
    assert "Reading the stack" in next(run).doing
    run.close()
    list(broken.run())
    assert same(whole.model().weights, broken.model().weights)


@pytest.mark.parametrize("memory", [3 * 64 * 64 * 4, MEMORY_BYTES])
def test_training_goes_on_with_other_parameters_too(memory):
    stack = scene(frames=8)[0]
    trainer = Trainer(stack, small(steps=4), device="cpu", memory=5 * 64 * 64 * 4)
    list(trainer.run())
    other = Trainer(stack, small(steps=8, patch=48, validation=0.5, batch=2), device="cpu", memory=memory)
    other.restore(trainer.model())
    assert list(other.run())[-1].step == 8
