"""The report in a real browser, where there is one: points speak, widths have their figures, paper has all."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from analognas.report.report import report_html

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PROBE = """<script>{
const figure = [...document.querySelectorAll("svg[tabindex]")].find((one) => one.getBoundingClientRect().width > 0);
const said = document.getElementById("said");
const press = (key) => figure.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const told = [said.hidden];
for (const key of ["ArrowRight", "ArrowRight", "End", "ArrowRight", "Home", "Escape"]) {
  press(key);
  told.push(said.hidden ? null : said.textContent);
}
const shown = (kind) => document.querySelector(`svg.${kind}`).getBoundingClientRect().width > 0;
const node = document.createElement("pre");
node.id = "found";
node.textContent = JSON.stringify({
  told, wide: shown("wide"), narrow: shown("narrow"),
  sideways: document.documentElement.scrollWidth > innerWidth, ground: getComputedStyle(document.body).backgroundColor,
});
document.body.append(node);
}</script>"""


def _dom(path: Path, *options: str) -> str:
    """Return the document after its scripts have run."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom",
        f"--user-data-dir={path.parent / 'profile'}", "--virtual-time-budget=3000", *options, path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (500, True)])
def test_points_speak_to_the_keyboard_and_the_page_fits(
    width: int, dark: bool, runs: ModuleType, tmp_path: Path
) -> None:
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report_html(runs.report_data(12)))
    path = tmp_path / "probe.html"
    path.write_text(page.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    options = [f"--window-size={width},900", *(["--blink-settings=preferredColorScheme=0"] if dark else [])]
    document = _dom(path, *options)
    found = json.loads(re.search(r'<pre id="found">(.*?)</pre>', document, re.DOTALL).group(1))
    hidden, first, second, last, still, home, closed = found["told"]
    assert hidden and closed is None
    assert first == home and first != second and last == still
    assert "%" in first
    assert (found["wide"], found["narrow"]) == (not dark, dark)
    assert not found["sideways"]
    assert found["ground"] == ("rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_what_is_folded_is_printed(runs: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "probe.html"
    probe = """<script>{
const folded = document.querySelector("details"), height = () => folded.getBoundingClientRect().height;
const heights = [height()];
for (const kind of ["beforeprint", "afterprint"]) { dispatchEvent(new Event(kind)); heights.push(height()); }
document.title = heights.join(" ");
}</script>"""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report_html(runs.report_data(12)))
    path.write_text(page.replace("</body>", f"{probe}</body>"), encoding="utf-8")
    closed, printed, after = map(float, re.search(r"<title>(.*?)</title>", _dom(path)).group(1).split())
    assert closed == after < printed / 2
