"""The machine: whole-or-absent files, signals, threads, buffers, optional packages."""
