"""Trained networks of recipes, found by their content."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import QuietfieldError
from core.methods.base import Bindable
from core.model_file import ModelFile
from core.paths import MODEL_ENDING
from core.work.recipe import Step

if TYPE_CHECKING:  # imports torch, which the first window does not need
    from core.learning.model import Model


class Networks:
    """Finds trained networks among loaded ones, then in folders; each file is read once.

    A file with the right name and content is preferred to any other ``.quietfield`` file with the right
    content.

    Parameters
    ----------
    models : dict of str to Model
        Loaded networks, by the SHA-256 of their file.
    folders : sequence of Path
        Folders to search.
    device : str
        Device of the networks, or "auto".
    """

    def __init__(
        self,
        models: Mapping[str, Model] | None = None,
        folders: Sequence[Path] = (),
        device: str = "auto",
    ) -> None:
        self.models = dict(models or {})
        self.device = device
        self.folders = tuple(folders)
        self._lock = threading.Lock()

    def find(self, wanted: ModelFile) -> Model:
        """Return the trained network that a recipe refers to.

        Raises
        ------
        QuietfieldError
            If there is no file with this content, or it cannot be read.
        """
        from core.checkpoint import load_model, sha256

        with self._lock:
            if wanted.sha256 not in self.models:
                path = next((p for p in self._files(wanted) if sha256(p) == wanted.sha256), None)
                if path is None:
                    raise self._missing(wanted)
                self.models[wanted.sha256] = load_model(path)
            return self.models[wanted.sha256]

    def prediction(self, wanted: ModelFile) -> Bindable:
        """Return the prediction of the network that a recipe refers to; see `find`."""
        return self.find(wanted).prediction(self.device)

    def step(self, path: Path) -> Step:
        """Return the step that denoises with the trained network in a file."""
        from core.checkpoint import load_model, sha256

        loaded = load_model(path)  # says what is wrong with a file
        file = ModelFile(file=path.name, sha256=sha256(path))
        with self._lock:
            model = self.models.setdefault(file.sha256, loaded)
        return Step.of(model.method, model=file)

    def _files(self, wanted: ModelFile) -> Iterator[Path]:
        """Yield files that may contain a network, those with its name first."""
        named = [folder / Path(wanted.file).name for folder in self.folders]
        others = [path for folder in self.folders for path in sorted(folder.glob(f"*{MODEL_ENDING}"))]
        return (path for path in (*named, *others) if path.is_file())

    def _missing(self, wanted: ModelFile) -> QuietfieldError:
        places = ", ".join(map(str, self.folders)) or "any folder"
        if any((folder / Path(wanted.file).name).is_file() for folder in self.folders):
            return QuietfieldError(
                f"{wanted.file} in {places} is not the network the recipe was made with: its content "
                "differs. Put the original file there."
            )
        return QuietfieldError(
            f"The recipe needs the trained network {wanted.file}, which is not in {places}. Put it there."
        )
