"""Life events: what happened in a life, told once to every service."""
