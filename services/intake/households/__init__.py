"""Households: who lives together, under which head, served by which office."""
