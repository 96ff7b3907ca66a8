"""Recordings as inputs of networks: WAV files, spectral features, and the tasks made of them."""
