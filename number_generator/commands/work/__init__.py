"""What each command does once its arguments are parsed. Loaded only to carry a command out, and so free to be heavy."""

SHEET_IMAGES = 60
"""How many images a contact sheet of `--preview` shows, if that many are asked for."""
