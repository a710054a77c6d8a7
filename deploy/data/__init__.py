"""Households in any number, as a country has them: seeded, so that a number is always the same one.

They are laid into intake and livelihood as a take-over from an older system would leave them.
"""
