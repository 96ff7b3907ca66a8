"""Networks to and from other simulators."""
