"""Cases that the agency itself began: its people become known, and an application carries them."""
