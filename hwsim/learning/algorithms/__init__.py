"""Algorithms that train in the array, one file each, as optimisers of torch."""
