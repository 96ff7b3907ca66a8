"""Figures as pictures: laid out here once, written as SVG, PNG or PDF without a browser."""

from analognas.report.picture.files import FORMATS, write_picture
from analognas.report.picture.marks import Picture
from analognas.report.picture.plot import picture
from analognas.report.picture.svg import svg

__all__ = ["FORMATS", "Picture", "picture", "svg", "write_picture"]
