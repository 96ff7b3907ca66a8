"""Analog in-memory computing hardware for any torch network."""
