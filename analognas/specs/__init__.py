"""What every part of a configuration is made of."""
