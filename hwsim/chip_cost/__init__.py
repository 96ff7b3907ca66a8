"""Energy, latency, area and tiles of a network on a described chip."""
