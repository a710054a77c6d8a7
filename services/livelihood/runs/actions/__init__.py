"""What happens to a run: opened, its snapshot taken, funded."""
