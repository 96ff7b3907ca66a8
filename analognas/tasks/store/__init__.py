"""Where data sets are, how they get there, and what is kept of them once they are decoded."""
