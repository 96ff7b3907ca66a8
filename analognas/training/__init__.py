"""Training of candidates."""
