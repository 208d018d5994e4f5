"""A real browser without a window, for tests of reports."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

PROBE = """<!DOCTYPE html><html><head><meta charset="utf-8"><link rel="icon" href="data:,"></head><body>
{frames}
<pre id="found"></pre>
<script>
const faults = [];
addEventListener("error", event => faults.push(String(event.message)));
async function look(frame) {{
  const inner = frame.contentDocument, root = inner.documentElement, view = frame.contentWindow;
  const images = [...inner.images];
  await Promise.all(images.map(image => image.decode().catch(error => faults.push(String(error)))));
  const wide = [...inner.querySelectorAll("main *")].filter(part => {{
    const box = part.getBoundingClientRect();
    return box.right > root.clientWidth + 0.5 && !part.closest(".scroll");
  }});
  const page = view.getComputedStyle(inner.body);
  return {{
    width: root.clientWidth, overflow: root.scrollWidth - root.clientWidth,
    wide: wide.map(part => part.outerHTML.slice(0, 120)),
    images: images.map(image => image.naturalWidth),
    plots: [...inner.querySelectorAll("svg")].map(plot => plot.getBoundingClientRect().width),
    resources: view.performance.getEntriesByType("resource").map(one => one.name.slice(0, 40)),
    scripts: inner.scripts.length, title: inner.title, text: inner.body.innerText,
    ink: page.color, paper: page.backgroundColor,
  }};
}}
onload = async () => {{
  const found = await Promise.all([...document.querySelectorAll("iframe")].map(look));
  document.querySelector("#found").textContent = JSON.stringify({{found, faults}});
}};
</script></body></html>"""


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page: facts for each width, faults, messages of its console, and requests."""

    pages: list[dict[str, Any]]
    faults: list[str]
    console: list[str]
    requests: list[str]


def find() -> str:
    """Return the path of a browser; skip the test if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed (Debian: apt install chromium)")
    return found


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a browser, with a profile of its own in a folder."""
    return subprocess.run(
        [find(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--enable-logging=stderr", f"--user-data-dir={folder}", *words],
        capture_output=True, text=True, check=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def look_at(page: Path, widths: tuple[int, ...], folder: Path, *words: str) -> Seen:
    """Open a page in frames of several widths, and return what there is."""
    frames = "".join(
        f'<iframe src="{page.name}" width="{n}" height="900" style="border:0"></iframe>' for n in widths
    )
    (page.parent / "probe.html").write_text(PROBE.format(frames=frames), encoding="utf-8")
    with served(page.parent) as (address, requests):
        done = run(folder, "--virtual-time-budget=20000", *words, "--dump-dom", f"{address}/probe.html")
    shown = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert shown is not None, done.stderr
    text = shown[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    found = json.loads(text)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(pages=found["found"], faults=found["faults"], console=console, requests=requests)


def screenshot(page: Path, target: Path, size: tuple[int, int], folder: Path, *words: str) -> None:
    """Save the upper part of a page as PNG."""
    width, height = size
    run(folder, *words, f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri())


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder on this computer; yield its address and a list that receives the requests."""
    requests: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            requests.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
