"""What a job is where nobody says otherwise; nothing heavy is imported, as the commands' help shows it."""

__all__ = ["SPACING_RANGE"]

SPACING_RANGE = (5, 10)
"""Smallest and largest gap in px of the style `clean`."""
