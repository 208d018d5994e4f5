from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.shell.session import Session
from app.shell.snapshot import Snapshot
from app.shell.view_state import View
from core.methods.outputs import RESULT
from core.model_file import ModelFile
from core.stack import Stack
from core.work.recipe import Step


def stack(axes: str = "TYX", shape: tuple[int, ...] = (4, 6, 8), name: str = "a.tif") -> Stack:
    return Stack.of(np.arange(np.prod(shape), dtype=np.uint16).reshape(shape), axes, name=name)


def step(sigma: float = 1.0) -> Step:
    return Step(method="gaussian", version=1, params={"sigma": sigma})


@pytest.fixture
def document(session: Session) -> Session:
    session.open(stack(), {0: (0.0, 100.0)}, files=[Path("a.tif")])
    return session


def keys(session: Session) -> list[int]:
    return [r.key for r in session.snapshot.results]


def test_open_shows_the_source_and_keeps_the_layout(session):
    session.set_layout("curtain")
    session.open(stack("TCZYX", (2, 3, 4, 5, 6)), {0: (0, 1)}, lut="Fire")
    s = session.snapshot
    assert s.layout == "curtain"
    assert s.lut == "Fire"
    assert s.position == {"T": 0, "C": 0, "Z": 0}
    assert s.result is s.source
    assert s.source.details == "2 T × 3 C × 4 Z × 5 Y × 6 X"


def test_receivers_that_change_the_session_keep_the_order_for_everyone(document):
    """A second receiver must never receive an older snapshot after a newer one."""
    heard: list[tuple[Snapshot, Snapshot]] = []

    def clamp(new: Snapshot, old: Snapshot) -> None:
        if new.position.get("T", 0) > 1:
            document.move(T=1)

    document.changed.connect(clamp)
    document.changed.connect(lambda new, old: heard.append((new, old)))
    document.move(T=3)
    assert [new.position["T"] for new, _ in heard] == [3, 1]
    assert heard[0][0] is heard[1][1]
    assert heard[-1][0] is document.snapshot


def test_no_signal_when_nothing_changes(document):
    heard = []
    document.changed.connect(lambda new, old: heard.append(new))
    document.move(T=0)
    document.move(T=-5)
    document.move(Z=3)  # an axis it does not have
    document.set_levels((0.0, 100.0))
    document.set_layout(document.snapshot.layout)
    document.set_lut(document.snapshot.lut)
    document.set_preview(None)
    document.undo()
    document.redo()
    document.show(12345)
    document.clear_reference()
    document.set_affine(affine=True)
    assert not heard


def test_move_is_clipped(document):
    document.move(T=99)
    assert document.snapshot.position == {"T": 3}
    document.move(T=-1)
    assert document.snapshot.position == {"T": 0}


def test_levels_belong_to_the_channel(session):
    session.open(stack("CYX", (2, 6, 8)), {0: (0.0, 1.0), 1: (0.0, 2.0)})
    session.move(C=1)
    session.set_levels((5.0, 6.0))
    assert session.snapshot.levels == {0: (0.0, 1.0), 1: (5.0, 6.0)}


def test_add_undo_redo(document):
    source = document.snapshot.source
    assert document.add(source.key, [step(1.0)], [stack()], 0.5)
    first = document.snapshot.result
    assert document.add(first.key, [step(2.0)], [stack()], 0.5)
    second = document.snapshot.result
    assert [s.params["sigma"] for s in document.steps(second.key)] == [1.0, 2.0]
    assert second.label == "Gaussian blur"
    assert document.snapshot.can_undo
    assert not document.snapshot.can_redo

    document.undo()
    assert keys(document) == [source.key, first.key]
    assert document.snapshot.shown == first.key
    document.undo()
    assert keys(document) == [source.key]
    assert not document.snapshot.can_undo
    document.redo()
    document.redo()
    assert document.snapshot.result is second
    assert not document.snapshot.can_redo


def test_new_result_after_undo_forgets_what_was_undone(document):
    source = document.snapshot.source.key
    document.add(source, [step(1.0)], [stack()], 0)
    document.undo()
    document.add(source, [step(3.0)], [stack()], 0)
    assert len(keys(document)) == 2
    assert document.steps(document.snapshot.shown)[0].params["sigma"] == 3.0
    assert not document.snapshot.can_redo


def test_keys_are_never_used_twice(document):
    seen = set(keys(document))
    for sigma in (1.0, 2.0, 3.0):
        document.add(document.snapshot.source.key, [step(sigma)], [stack()], 0)
        assert document.snapshot.shown not in seen
        seen.add(document.snapshot.shown)
        document.undo()
    document.open(stack(), {})
    assert document.snapshot.shown not in seen


def test_several_outputs_are_one_action(document):
    model = ModelFile(file="net.quietfield", sha256="ab")
    steps = [
        Step(method="deconoising", version=1, params={}, output=output, model=model)
        for output in ("denoised", "deconvolved")
    ]
    network = object()
    document.add(document.snapshot.source.key, steps, [stack(), stack()], 3.0, model=network)
    assert [r.label for r in document.snapshot.results[1:]] == ["DecoNoising", "DecoNoising, deconvolved"]
    assert document.snapshot.shown == keys(document)[1]
    assert document.snapshot.models == {"ab": network}
    document.undo()
    assert len(keys(document)) == 1
    document.redo()
    assert len(keys(document)) == 3


def test_stale_results_are_dropped(document):
    old = document.snapshot.source.key
    document.open(stack(name="b.tif"), {})
    assert not document.add(old, [step()], [stack()], 0)
    assert len(keys(document)) == 1

    document.add(document.snapshot.source.key, [step()], [stack()], 0)
    undone = document.snapshot.shown
    document.undo()
    assert not document.add(undone, [step()], [stack()], 0)
    assert document.snapshot.can_redo


def test_result_made_from_the_source_after_another(document):
    source = document.snapshot.source.key
    document.add(source, [step(1.0)], [stack()], 0)
    document.add(source, [step(2.0)], [stack()], 0)
    assert len(document.steps(document.snapshot.shown)) == 1


def test_measures_of_a_former_reference_are_dropped(document):
    document.set_reference("frames", "mean of 4 frames", stack("YX", (6, 8)))
    reference = document.snapshot.reference
    document.set_measures(reference.key, document.snapshot.shown, "numbers")
    assert document.snapshot.measures == {document.snapshot.shown: "numbers"}
    document.set_affine(affine=True)
    assert document.snapshot.measures == {}
    document.set_measures(reference.key, document.snapshot.shown, "old numbers")
    assert document.snapshot.measures == {}
    document.clear_reference()
    assert document.snapshot.reference is None


def test_another_document_lets_go_of_everything(document):
    document.set_reference("frames", "mean", stack("YX", (6, 8)))
    document.add(document.snapshot.source.key, [step()], [stack()], 0)
    document.set_view(View(0, 2, 0, 2))
    document.open(stack("ZYX", (3, 4, 5), name="b.tif"), {0: (1.0, 2.0)}, files=[Path("b.tif")])
    s = document.snapshot
    assert (s.reference, s.view, s.preview, s.truth) == (None, None, None, None)
    assert not s.can_undo
    assert not s.measures
    assert s.files == (Path("b.tif"),)
    assert s.position == {"Z": 0}


def test_replace_source_keeps_files_and_look(document):
    document.set_lut("Ice")
    document.add(document.snapshot.source.key, [step()], [stack()], 0)
    document.replace_source(stack("ZYX", (4, 6, 8)))
    s = document.snapshot
    assert s.source.stack.axes == "ZYX"
    assert s.lut == "Ice"
    assert s.files == (Path("a.tif"),)
    assert s.levels == {0: (0.0, 100.0)}
    assert len(s.results) == 1
    document.replace_source(stack("CYX", (4, 6, 8)), dict.fromkeys(range(4), (0.0, 1.0)))
    assert set(document.snapshot.levels) == {0, 1, 2, 3}


def test_showing_moving_undoing_take_the_preview_away(document):
    from app.shell.view_state import Preview

    def preview() -> None:
        pixels = np.zeros((2, 2), np.float32)
        region = (slice(0, 1), slice(0, 2), slice(0, 2))
        document.set_preview(Preview(label="x", region=region, outputs=((RESULT, pixels),)))
        assert document.snapshot.preview is not None

    for action in (
        lambda: document.move(T=2),
        lambda: document.show(document.snapshot.source.key),
        lambda: document.add(document.snapshot.source.key, [step()], [stack()], 0),
        document.undo,
        document.redo,
    ):
        preview()
        action()
        assert document.snapshot.preview is None


def test_former_document_can_be_brought_back(document):
    document.add(document.snapshot.source.key, [step()], [stack()], 0)
    before = document.snapshot
    document.open(stack(name="b.tif"), {})
    assert document.former is before
    document.bring_back()
    assert document.snapshot.results is before.results
    assert document.snapshot.can_undo
    document.undo()
    assert len(keys(document)) == 1
    assert document.former is None
    document.redo()
    document.open(stack(name="b.tif"), {})
    document.forget_former()
    document.bring_back()
    assert document.snapshot.source.stack.meta.name == "b.tif"


def test_document_without_results_is_not_kept(document):
    document.open(stack(name="b.tif"), {})
    assert document.former is None


def test_a_result_that_comes_too_late_is_dropped_and_said_so(document):
    said: list[str] = []
    document.dropped.connect(said.append)
    raw = document.snapshot.source.key
    assert document.add(raw, [step()], [stack()], 1.0)
    (middle,) = [r.key for r in document.snapshot.results[1:]]
    document.undo()
    assert not document.add(middle, [step()], [stack()], 1.0)
    assert said.pop() == "The result of Gaussian blur was dropped: what it was made from was undone."
    document.open(stack(name="b.tif"), {})
    assert not document.add(raw, [step()], [stack()], 1.0)
    assert said == ["The result of Gaussian blur was dropped: its stack is not open any more."]
    assert len(document.snapshot.results) == 1
