"""Applications: filed, completed, routed, mirrored, counted."""
