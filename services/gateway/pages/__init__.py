"""What the door answers by itself: a first page, the docs, the refusals explained, health."""
