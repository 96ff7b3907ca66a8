"""A search described by a YAML file."""
