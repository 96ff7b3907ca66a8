"""The compiled part of training."""
