"""The parts of a report page that are text and tables."""
