"""Files that appear whole or not at all: taken names, links, long names, and what killed processes leave."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core.errors import QuietfieldError
from core.files import free_name, save_stack, write_text, writing
from core.paths import NAME_BYTES, shorten
from core.stack import Stack

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes as on Linux and macOS")


@pytest.fixture(params=["links", "no links"])
def file_system(request, monkeypatch):
    """A file system with hard links, and one without, such as that of memory cards."""
    if request.param == "no links":

        def refuse(*_args, **_options):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr("os.link", refuse)


def test_a_file_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    write_text(path, "first µ\n")
    assert path.read_bytes() == "first µ\n".encode()
    with pytest.raises(KeyError), writing(path) as draft:  # noqa: PT012
        assert draft.part.parent == tmp_path
        draft.part.write_text("half")
        raise KeyError
    assert path.read_text(encoding="utf-8") == "first µ\n"
    assert list(tmp_path.iterdir()) == [path]
    if os.name == "posix":
        umask = os.umask(0o022)
        os.umask(umask)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_free_names(tmp_path):
    assert free_name(tmp_path / "a.tif") == tmp_path / "a.tif"
    for name in ("a.tif", "a-2.tif", "b.ome.tif"):
        (tmp_path / name).touch()
    assert free_name(tmp_path / "a.tif").name == "a-3.tif"
    assert free_name(tmp_path / "b.ome.tif").name == "b-2.ome.tif"
    assert free_name(Path(tmp_path / "c")).name == "c"


@pytest.mark.usefixtures("file_system")
def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(QuietfieldError, match="by another program"), writing(path, "refuse") as draft:  # noqa: PT012
        draft.part.write_text("ours")
        path.write_text("precious")
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]
    assert write_text(path, "ours", "rename") == tmp_path / "a-2.txt"
    with pytest.raises(QuietfieldError, match="exists already"):
        write_text(path, "ours", "refuse")
    assert (path.read_text(), (tmp_path / "a-2.txt").read_text()) == ("precious", "ours")


@pytest.mark.usefixtures("file_system")
def test_of_files_written_at_once_to_one_name_none_is_lost(tmp_path):
    told = []
    together = threading.Barrier(8)

    def write(number):
        with writing(tmp_path / "a.tif", "rename") as draft:
            draft.part.write_text(str(number))
            together.wait()
        told.append((draft.path.name, str(number)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == sorted((p.name, p.read_text()) for p in tmp_path.iterdir())
    assert {name for name, _ in told} == {"a.tif", *(f"a-{n}.tif" for n in range(2, 9))}


def test_two_exports_at_once_get_two_names(tmp_path):
    import numpy as np

    stack = Stack.of(np.zeros((4, 5), np.uint8), "YX")
    with writing(tmp_path / "a.tif", "rename") as draft:
        draft.part.write_text("the first to begin")
        second = save_stack(tmp_path / "a.tif", stack, taken="rename")
    assert (second.path.name, draft.path.name) == ("a.tif", "a-2.tif")


@posix
def test_a_link_stands_for_its_target(tmp_path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "real.txt", tmp_path / "link.txt"
    link.symlink_to(real)
    assert write_text(link, "new", "refuse") == link  # its target is made
    real.chmod(0o600)
    write_text(link, "newer")
    assert link.is_symlink()
    assert real.read_text() == "newer"
    assert real.stat().st_mode & 0o777 == 0o600
    with pytest.raises(QuietfieldError, match="exists already"):
        write_text(link, "refused", "refuse")
    assert [p.name for p in real.parent.iterdir()] == ["real.txt"]


@posix
def test_what_is_no_file_is_refused_and_kept(tmp_path):
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / name).symlink_to(tmp_path / other)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(QuietfieldError, match="leads to itself"):
        write_text(tmp_path / "one", "text")
    with pytest.raises(QuietfieldError, match="a device or a pipe"):
        write_text(tmp_path / "pipe", "text")
    with pytest.raises(QuietfieldError, match="a device or a pipe"):
        write_text(Path(os.devnull), "text")
    with pytest.raises(QuietfieldError, match="is a folder"):
        write_text(tmp_path, "text")
    assert {p.name for p in tmp_path.iterdir()} == {"one", "two", "pipe"}


@pytest.mark.parametrize("letter", ["x", "ä", "🔬"])
def test_names_as_long_as_the_file_system_allows(tmp_path, letter):
    name = shorten(letter * 300, ".json")
    assert NAME_BYTES - 4 < len(os.fsencode(name)) <= NAME_BYTES
    for _ in range(2):
        write_text(tmp_path / name, "text", "rename")
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(QuietfieldError, match="name is too long"):
        write_text(tmp_path / (letter * 300), "text", "refuse")


WRITER = """
import sys, time
from pathlib import Path
from core.files import writing
with writing(Path(sys.argv[1])) as draft:
    draft.part.write_bytes(bytes(1000))
    print("writing", flush=True)
    time.sleep(60)
"""


def test_the_next_run_removes_what_a_killed_one_left(tmp_path):
    path = tmp_path / "a.tif"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) for _ in range(2)
    ]
    for writer in writers:
        writer.stdout.readline()
    dead, alive = writers
    foreign = tmp_path / f".a.tif.00000000-{dead.pid}-1-00000000.part"  # of another computer
    foreign.touch()
    assert len(list(tmp_path.glob(".*.part"))) == 3
    try:
        dead.kill()
        while psutil.Process(dead.pid).status() != psutil.STATUS_ZOMBIE and os.name == "posix":
            time.sleep(0.01)
        write_text(tmp_path / "b.txt", "text")
        left = list(tmp_path.glob(".*.part"))
        assert len(left) == 2
        assert foreign in left
        assert any(f"-{alive.pid}-" in p.name for p in left)
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    write_text(tmp_path / "b.txt", "text")
    assert list(tmp_path.glob(".*.part")) == [foreign]


def test_a_process_that_got_the_number_of_an_ended_one_is_not_its_owner(tmp_path):
    with writing(tmp_path / "a.tif") as draft:
        computer, number, start, token = draft.part.name.rsplit(".", 2)[1].split("-")
        former = tmp_path / f".a.tif.{computer}-{number}-{int(start) - 3600}-{token}.part"
        former.touch()
        write_text(tmp_path / "b.txt", "text")
        assert draft.part.exists()
    assert {p.name for p in tmp_path.iterdir()} == {"a.tif", "b.txt"}
