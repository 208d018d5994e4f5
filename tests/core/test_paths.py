"""Inaccessible paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import QuietfieldError
from core.files import open_stack, save_stack
from core.paths import is_folder, there
from core.stack import Stack


def test_what_is_there(tmp_path):
    (tmp_path / "file").touch()
    assert (there(tmp_path), is_folder(tmp_path)) == (True, True)
    assert (there(tmp_path / "file"), is_folder(tmp_path / "file")) == (True, False)
    assert (there(tmp_path / "none"), is_folder(tmp_path / "none")) == (False, False)


def test_a_path_that_may_not_be_looked_at_is_not_there(monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(Path, "is_dir", refuse)
    assert not there(Path("locked") / "file")
    assert not is_folder(Path("locked") / "folder")


def test_a_name_that_is_too_long_is_refused_with_a_sentence(tmp_path):
    name = "y" * 300 + ".tif"
    with pytest.raises(QuietfieldError, match=r"y\.tif cannot be read"):
        open_stack(tmp_path / name)
    with pytest.raises(QuietfieldError, match="name is too long"):
        save_stack(tmp_path / name, Stack.of(np.zeros((4, 4), np.uint8), "YX"))
    assert list(tmp_path.iterdir()) == []
