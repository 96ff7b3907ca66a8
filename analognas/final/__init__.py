"""What happens after the last trial: the race of the finalists, and the test split."""
