"""Pages for people; those that can be drawn from the code are drawn from it."""
