"""Fast evaluation of programmed chips: a network as a sequence of fused, compiled stages."""
