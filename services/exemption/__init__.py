"""Exemption from military service: one letter for one son, on the ground that the law names.

A covered family asks; coverage and ground are checked; a worker reviews, another person approves;
the letter is issued, delivered and can be verified by its code; the conscription organisation
answers, and its answer is kept beside the letter.
"""
