"""Mechanisms that every service of the agency stands on; never behaviour."""
