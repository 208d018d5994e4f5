"""Undo and redo against a plain model; recipes that run again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.catalogue import create
from core.errors import QuietfieldError
from core.fingerprint import fingerprint
from core.methods.apply import apply
from core.methods.outputs import DENOISED
from core.model_file import ModelFile
from core.stack import Stack
from core.work.history import Entry, History
from core.work.recipe import Recipe, Step
from core.work.task import Task, run


def step(name: str, **given_: Any) -> Step:
    return Step.of(create(name, given_))


class UndoMachine(RuleBasedStateMachine):
    """A history beside two plain lists of actions: those done and those undone."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self.done: list[list[tuple[int, Step]]] = []
        self.undone: list[list[tuple[int, Step]]] = []
        self.number = 0

    @rule(data=st.data(), count=st.integers(1, 3))
    def do(self, data: st.DataObject, count: int) -> None:
        live = 1 + sum(len(action) for action in self.done)
        parent = data.draw(st.integers(0, live - 1))
        steps = []
        for _ in range(count):
            self.number += 1
            steps.append(step("gaussian-noise", seed=self.number))
        self.history = self.history.do(parent, *steps)
        self.done.append([(parent, s) for s in steps])
        self.undone.clear()

    @rule()
    def undo(self) -> None:
        self.history = self.history.undo()
        if self.done:
            self.undone.append(self.done.pop())

    @rule()
    def redo(self) -> None:
        self.history = self.history.redo()
        if self.undone:
            self.done.append(self.undone.pop())

    @invariant()
    def what_is_live_is_what_was_done(self) -> None:
        expected = [(0, None), *((parent, s) for action in self.done for parent, s in action)]
        found = [(self.history.entries[i].parent, self.history.entries[i].step) for i in self.history.live]
        assert found == expected
        assert self.history.can_undo == bool(self.done)
        assert self.history.can_redo == bool(self.undone)

    @invariant()
    def json_keeps_all_of_it(self) -> None:
        assert History.from_json(self.history.to_json()) == self.history

    @invariant()
    def steps_lead_back_to_the_source(self) -> None:
        for index in self.history.live:
            found = self.history.steps(index)
            entry = self.history.entries[index]
            assert found == (() if entry.step is None else (*self.history.steps(entry.parent), entry.step))


TestUndo = UndoMachine.TestCase
TestUndo.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_result_that_was_undone_cannot_be_built_on() -> None:
    history = History().do(0, step("box")).undo()
    with pytest.raises(ValueError, match="does not exist"):
        history.do(1, step("median"))
    assert history.entries[0] == Entry(step=None, parent=0, action=0)


def test_without_deletes_what_was_made_from_a_result_and_closes_the_gaps() -> None:
    history = History().do(0, step("box")).do(1, step("median"), step("gaussian")).do(0, step("median"))
    history = history.do(4, step("box")).do(0, step("box")).undo()
    assert history.descendants(1) == {1, 2, 3}
    rest = history.without(history.descendants(1))
    assert [s.method for s in rest.steps(2)] == ["median", "box"]
    assert not rest.can_redo
    assert rest.undo().undo().live == range(1)
    assert History.from_json(rest.to_json()) == rest
    assert [s.method for s in history.without(history.descendants(2)).steps(2)] == ["box", "gaussian"]


@pytest.mark.parametrize(
    "change",
    [{"cursor": 2}, {"cursor": -1}, {"entries": []}, {"entries": 3}, {"schema": 99}, {"schema": "x"}],
)  # fmt: skip
def test_a_damaged_history_is_refused(change: dict[str, Any]) -> None:
    whole = json.loads(History().do(0, step("box")).to_json())
    with pytest.raises(QuietfieldError, match="history"):
        History.from_json(json.dumps(whole | change))


@pytest.mark.parametrize(
    "change", [{"parent": 1}, {"parent": -1}, {"action": 3}, {"step": None}, {"action": 0}]
)
def test_results_of_a_history_follow_from_each_other(change: dict[str, Any]) -> None:
    whole = json.loads(History().do(0, step("box")).do(1, step("median")).to_json())
    whole["entries"][1] |= change
    with pytest.raises(QuietfieldError, match="history"):
        History.from_json(json.dumps(whole))


STEPS = st.one_of(
    st.builds(
        lambda sigma, axes: step("gaussian", sigma=sigma, axes=axes),
        st.floats(0, 2),
        st.sampled_from(["YX", "X"]),
    ),
    st.builds(lambda size: step("median-3d", size=size), st.sampled_from([1, 3])),
    st.builds(lambda depth: step("box-3d", depth=depth, axes="T"), st.sampled_from([1, 3, 5])),
    st.builds(lambda seed: step("poisson-noise", seed=seed), st.integers(0, 9)),
    st.builds(lambda seed: step("salt-and-pepper", seed=seed, salt=0.1), st.integers(0, 9)),
)


@settings(deadline=None)
@given(steps=st.lists(STEPS, max_size=4))
def test_a_recipe_survives_json_and_gives_the_same_pixels(steps: list[Step]) -> None:
    stack = Stack.of(np.random.default_rng(0).integers(0, 900, (4, 12, 14)).astype(np.uint16), "TYX")
    recipe = Recipe(steps=tuple(steps), source=fingerprint(stack))
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    eager = stack
    for each in steps:
        (eager,) = apply(eager, each.method_for())
    if steps:
        done = run(Task(recipe=again, source=stack))
        np.testing.assert_array_equal(done.made[-1].stack.read(), eager.read())


def test_the_json_says_everything_that_matters() -> None:
    written = json.loads(Recipe(steps=(step("gaussian", sigma=1.5),), source={"name": "a.tif"}).to_json())
    assert written["schema"] == 1
    assert written["source"] == {"name": "a.tif"}
    assert written["steps"] == [
        {"method": "gaussian", "version": 1, "params": {"sigma": 1.5, "axes": "YX"}, "output": "result"}
    ]


def test_a_model_is_named_and_asked_for() -> None:
    model = ModelFile(file="cells.quietfield", sha256="ab" * 32)
    recipe = Recipe(steps=(Step.of(create("deconoising", {}), model, DENOISED),))
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe
    stack = Stack.of(np.zeros((8, 8)), "YX")
    with pytest.raises(QuietfieldError, match=r"cells\.quietfield"):
        run(Task(recipe=again, source=stack))
    with pytest.raises(QuietfieldError, match="no output"):
        again.steps[0].position(create("box", {}))  # type: ignore[arg-type]
    with pytest.raises(QuietfieldError, match="trained"):
        run(Task(recipe=Recipe(steps=(step("n2v"),)), source=stack))


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "3", '{"schema": 1}', '{"schema": "x", "steps": []}',
     '{"schema": 1, "steps": 3}', '{"schema": 1, "steps": [{}]}',
     '{"schema": 1, "steps": [{"method": "box", "version": 1, "params": 3}]}'],
)  # fmt: skip
def test_what_is_no_recipe_is_said(text: str) -> None:
    with pytest.raises(QuietfieldError, match="not a Quietfield recipe"):
        Recipe.from_json(text)


@given(text=st.text(max_size=60))
def test_no_text_crashes(text: str) -> None:
    with pytest.raises(QuietfieldError):
        Recipe.from_json(text)


def test_later_versions_are_refused() -> None:
    written = json.loads(Recipe(steps=(step("box"),)).to_json())
    with pytest.raises(QuietfieldError, match="later Quietfield"):
        Recipe.from_json(json.dumps(written | {"schema": 99}))
    written["steps"][0]["version"] = 99
    again = Recipe.from_json(json.dumps(written))
    with pytest.raises(QuietfieldError, match="version 99"):
        run(Task(recipe=again, source=Stack.of(np.zeros((4, 4)), "YX")))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"method": "boxx"}, "Did you mean 'box'"), ({"params": {"size": 4}}, "odd"),
     ({"params": {"sizes": 3}}, "Did you mean 'size'"), ({"output": "deconvolved"}, "no output")],
)  # fmt: skip
def test_a_recipe_edited_wrongly_is_refused_with_a_sentence(change: dict[str, Any], sentence: str) -> None:
    written = json.loads(Recipe(steps=(step("box"),)).to_json())
    written["steps"][0] |= change
    again = Recipe.from_json(json.dumps(written))
    with pytest.raises(QuietfieldError, match=sentence):
        run(Task(recipe=again, source=Stack.of(np.zeros((4, 4)), "YX")))


def test_words_for_a_list_of_results() -> None:
    assert step("gaussian", sigma=1.5).label == "Gaussian blur"
    assert step("gaussian", sigma=1.5).details == "sigma 1.5 px"
    assert step("gaussian", sigma=1.5).parameters == "sigma 1.5 px, along rows and columns"
    assert step("gaussian", axes="X").details == "sigma 1 px, along columns only (X)"
    assert step("median-3d", size=5).details == "window 5 × 5 × 3"
    assert step("gaussian-3d", depth=2.5, axes="ZYX").details == "sigma 1 × 1 × 2.5, X, Y and Z"
    assert step("mixed-noise", seed=7).details == "gain 1 counts/photon, offset 100 counts, seed 7"
    assert step("deconoising").details == "sigma 1 px, 120 s"
    plus = step("deconoising", sigma=2.25, positivity=1.0, seconds=0.0, steps=900)
    assert plus.details == "sigma 2.25 px, positivity 1, 900 steps"
    assert plus.parameters.startswith("sigma 2.25 px, positivity 1, estimate camera offset yes, ")
    assert "learning rate 0.002" in plus.parameters
    assert "orientations four rotations and reflections" in plus.parameters
    assert step("n2v", seconds=60.0).details == "60 s"


def test_fingerprints_tell_stacks_apart() -> None:
    pixels = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.uint16)
    one = fingerprint(Stack.of(pixels, "TYX", name="a"))
    assert one == fingerprint(Stack.of(pixels.copy(), "TYX", name="a"))
    assert (one["axes"], one["shape"], one["dtype"]) == ("TYX", [5, 6, 7], "uint16")
    for plane in (0, 2, 4):
        other = pixels.copy()
        other[plane, 3, 3] += 1
        assert fingerprint(Stack.of(other, "TYX", name="a"))["sha256"] != one["sha256"]
    json.dumps(one)
