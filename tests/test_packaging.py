"""The commands of the README, and the contents of the package."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

from app.__main__ import APT
from app.cli.main import main
from core import __version__

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEST_COMMAND = 'python -m pip install -e ".[dev]" && python -m pytest'


def shell_lines() -> list[str]:
    """Every line of the README's shell examples."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_the_readme_gives_one_line_to_start_and_one_to_test():
    assert "python -m pip install . && quietfield" in shell_lines()
    assert TEST_COMMAND in shell_lines()
    assert APT in shell_lines()


def test_the_checks_run_the_readmes_test_command():
    pattern = re.search(r"grep -m 1 '(.+?)' README\.md", (ROOT / ".ci" / "run").read_text())
    assert pattern is not None
    found = [line for line in README.splitlines() if re.match(pattern[1], line)]
    assert found == [TEST_COMMAND]
    assert f"grep -m 1 '{pattern[1]}'" in (ROOT / ".github" / "workflows" / "checks.yml").read_text()


def test_the_readmes_examples_run(tmp_path, monkeypatch, capsys):
    """Run every example in its order; only the training is made short."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64]
    clean = (400 + 300 * np.sin(x / 4) * np.sin(y / 6)).astype(np.float32)
    frames = generator.poisson(clean, (5, 64, 64)).astype(np.uint16)
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("noisy.tif", frames, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite("other.tif", frames[:3], imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite("clean.tif", clean, imagej=True)
    few = shlex.split("--steps 2 --batch 2 --epoch 2 --validation-patches 2")
    small = shlex.split("--width 4 --depth 2 --patch 16")
    examples = [shlex.split(line) for line in shell_lines() if line.startswith("quietfield ")]
    assert len(examples) >= 10
    for _, *words in examples:
        short = [*few, *(small if "quietfield" not in words else [])] if words[0] == "train" else []
        assert main([*words, *short]) == 0, (words, capsys.readouterr().err)
    for words in examples:
        if "-o" in words:
            assert Path(words[words.index("-o") + 1]).exists(), words
    for name in ("results/noisy_denoised.tif", "deconvolved.tif", "other_gaussian.tif"):
        with tifffile.TiffFile(name) as file:
            assert file.is_imagej
            assert file.series[0].axes == "TYX"


def test_the_pins_keep_out_what_is_known_to_break():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    # 6.12 loses references to True and None on Python 3.11, 6.9 breaks pyqtgraph; torch 2.14 pulls CUDA.
    assert {"PySide6-Essentials>=6.10,<6.12", "pyqtgraph>=0.14", "torch>=2.9,<2.14"} <= set(wanted)


def test_the_program_is_packed_without_what_makes_the_weights(tmp_path):
    """Run the lines of build.spec that choose modules."""
    pytest.importorskip("PyInstaller.utils.hooks")
    lines = (ROOT / "build.spec").read_text(encoding="utf-8").split("def unneeded")[0]
    chosen: dict[str, object] = {"SPECPATH": str(ROOT)}
    exec(compile(lines, "build.spec", "exec"), chosen)
    assert "core.instant.making" in chosen["EXCLUDED"]
    hidden = chosen["HIDDEN"]
    assert {"core.instant.method", "app.cli", "resources"} <= set(hidden)
    assert not [name for name in hidden if "making" in name]
    assert (ROOT / "core" / "instant" / "making" / "train.py").is_file()


def test_the_program_does_not_import_what_makes_the_weights():
    """Import all modules of the program in another process, where no test imported anything."""
    files = [path.relative_to(ROOT) for top in ("app", "core") for path in (ROOT / top).rglob("*.py")]
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}
    making = {name for name in modules if name.startswith("core.instant.making")}
    # torch first: on Windows it fails to load behind Qt
    code = "import importlib, sys; list(map(importlib.import_module, sys.argv[1:])); print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code, "torch", *sorted(modules - making)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert making
    assert not making & set(run.stdout.split())


def test_every_link_of_the_documents_leads_somewhere():
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{name}: {target}"


def test_a_wheel_holds_the_program_and_its_resources(tmp_path):
    """Build as 'pip install .' does, from a copy that holds only what git tracks."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    source = tmp_path / "source"
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", str(tmp_path), str(source),
    ]  # fmt: skip
    pytest.importorskip("setuptools")
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"quietfield-{__version__}-")
    with zipfile.ZipFile(wheel) as file:
        held = set(file.namelist())
        entry = file.read(f"quietfield-{__version__}.dist-info/entry_points.txt").decode()
    tracked_program = {
        name
        for name in tracked.stdout.split("\0")
        if name.split("/")[0] in ("app", "core", "resources") and (ROOT / name).is_file()
    }
    making = {name for name in tracked_program if name.startswith("core/instant/making/")}
    assert making
    assert tracked_program - making <= held
    assert not making & held
    assert "quietfield = app.__main__:main" in entry
    assert not [name for name in held if name.startswith("tests/")]
