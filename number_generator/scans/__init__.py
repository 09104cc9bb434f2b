"""Real handwriting: line images that were scanned or photographed, made fit to train on and to read.

`pictures` loads them, `fitting` fits them to a reader's page.
"""
