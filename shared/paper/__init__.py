"""Paper: what is printed of what we know. Fonts travel with it (OFL), nothing of the machine's."""
