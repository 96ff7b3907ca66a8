"""Published networks by name."""

from search_spaces.published.catalogue import published, published_names, published_network
from search_spaces.published.network import PublishedNetwork

__all__ = ["PublishedNetwork", "published", "published_names", "published_network"]
