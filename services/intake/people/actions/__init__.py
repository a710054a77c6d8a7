"""What happens to people: they become known, live together, are covered."""
