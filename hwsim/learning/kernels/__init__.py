"""The compiled pulses, and the same on torch's operations."""
