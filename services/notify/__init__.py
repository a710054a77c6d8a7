"""Notices: every step that a citizen may see, as a message in the inbox and an SMS.

An event arrives; its topic's Persian template is filled with codes and dates; the inbox keeps the
legal record; the SMS goes out by one of two providers; what came of it is recorded.
"""
