"""Pickles, as version 0.0.1 wrote them."""
