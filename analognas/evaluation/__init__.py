"""From a candidate to its measured figures."""
