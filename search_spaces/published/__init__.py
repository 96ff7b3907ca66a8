"""Published networks by name."""

from search_spaces.published.catalogue import published, published_names

__all__ = ["published", "published_names"]
