"""Datasets with boxes, written for detectors and layout tools: images as PNG files, and their annotations.

`export` writes one of `KINDS`. A new kind is a module here that makes an `Exporter`, and a line in `kinds`.
"""
