"""What happens to an award: it begins, life goes on, people decide."""
