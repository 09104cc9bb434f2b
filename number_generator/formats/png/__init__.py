"""Folders of PNG images with label files."""
