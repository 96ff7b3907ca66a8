"""The page that holds it all together: one file, no network.

Figures are SVG, which a page shows and prints without a script. The only script shows what a point says, to a pointer
and to the keyboard, and unfolds lists for print. The content security policy in the head allows that script by its hash
and nothing else: no other script runs and nothing is loaded, whatever text ends up in the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from analognas.report.html import Html, element

if TYPE_CHECKING:
    from analognas.report.picture import Picture

_WIDE: Final = 980.0
_NARROW: Final = 360.0
"""Pixels of a figure on a desk and on a telephone; the style sheet shows one of them."""
_TILE: Final = 330.0
"""Pixels of a figure that stands beside others."""


def page(title: str, body: Sequence[str], contents: Sequence[tuple[str, str]] = ()) -> str:
    """Return the whole document.

    Args:
        title: of the window.
        body: header and sections.
        contents: anchor and heading of each section, for the line of links at the top.
    """
    own = files("analognas.report")
    script = own.joinpath("points.js").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {_hash(script)}"
    head = element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("title", {}, title),
        element("style", {}, Html(own.joinpath("style.css").read_text(encoding="utf-8"))),
    )
    links = [element("a", {"href": f"#{anchor}"}, heading) for anchor, heading in contents]
    menu = element("nav", {"aria-label": "Sections"}, *links) if links else Html("")
    main = element("main", {}, *body[:1], menu, *body[1:])
    said = element("div", {"id": "said", "role": "status", "hidden": ""})
    shown = element("body", {}, main, said, element("script", {}, Html(script)))
    return f"<!doctype html>\n{element('html', {'lang': 'en'}, head, shown)}\n"


def section(title: str, *children: str) -> Html:
    """Return a section with its heading, which a link can lead to."""
    return element("section", {"id": anchor_of(title)}, element("h2", {}, title), *children)


def anchor_of(title: str) -> str:
    """Return the anchor of a heading.

    >>> anchor_of("Accuracy over drift time")
    'accuracy-over-drift-time'
    """
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def drawing(figure: Any | Callable[[float], Picture], description: str, *, small: bool = False) -> Html:
    """Return a figure as SVG, for wide and for narrow pages.

    Args:
        figure: a plotly `Figure`, or a function from the width in pixels to a picture.
        description: for those who cannot see it.
        small: whether it stands beside others, in one size.
    """
    from analognas.report.picture import picture, svg

    def drawn(width: float, kind: str = "") -> Html:
        shown = figure(width) if callable(figure) else picture(figure, width)
        return svg(shown, description, kind=kind)

    if small:
        return element("div", {"class": "plot"}, drawn(_TILE))
    return element("div", {"class": "plot"}, drawn(_WIDE, "wide"), drawn(_NARROW, "narrow"))


def caption(text: str) -> Html:
    """Return the explanation below a figure."""
    return element("p", {"class": "caption"}, text)


def empty(text: str) -> Html:
    """Return what stands where a figure cannot be drawn yet."""
    return element("p", {"class": "empty"}, text)


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
