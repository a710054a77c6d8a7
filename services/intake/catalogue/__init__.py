"""The catalogue: identity cards, statements, channels, areas, offices, counter contracts."""
