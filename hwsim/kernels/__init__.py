"""Compiled element-wise stages of crossbar layers, and how they are built."""
