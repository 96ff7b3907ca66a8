"""The page that holds it all together: one file, no network.

plotly.js is inlined once. The figures are JSON that a short script draws. The content security policy in the
head allows the page's own two scripts by their hashes and nothing else: no other script runs and nothing is
loaded, whatever text ends up in the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from analognas.report.html import Html, element, joined


def page(title: str, body: Sequence[str]) -> str:
    """Return the whole document."""
    from plotly.offline import get_plotlyjs

    own = files("analognas.report")
    scripts = [get_plotlyjs(), own.joinpath("draw.js").read_text(encoding="utf-8")]
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"script-src {' '.join(_hash(script) for script in scripts)}"
    )
    head = element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("title", {}, title),
        element("style", {}, Html(own.joinpath("style.css").read_text(encoding="utf-8"))),
    )
    drawn = joined(element("script", {}, Html(script)) for script in scripts)
    main = element("main", {}, *body)
    return f"<!doctype html>\n{element('html', {'lang': 'en'}, head, element('body', {}, main, drawn))}\n"


def section(title: str, *children: str) -> Html:
    """Return a section with its heading."""
    return element("section", {}, element("h2", {}, title), *children)


def drawing(figure: Any, description: str) -> Html:
    """Return a figure that the page's script draws; `description` is read out where it cannot be seen."""
    # inside a script element only "<" could end it; JSON can say it in another way
    content = Html(figure.to_json().replace("<", "\\u003c"))
    data = element("script", {"type": "application/json"}, content)
    height = {"style": f"min-height: {figure.layout.height}px"}
    return element("div", {"class": "plot", "role": "img", "aria-label": description, **height}, data)


def caption(text: str) -> Html:
    """Return the explanation below a figure."""
    return element("p", {"class": "caption"}, text)


def empty(text: str) -> Html:
    """Return what stands where a figure cannot be drawn yet."""
    return element("p", {"class": "empty"}, text)


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
