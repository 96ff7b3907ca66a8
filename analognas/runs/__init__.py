"""A run and its directory, from its start to what is done with it afterwards."""
