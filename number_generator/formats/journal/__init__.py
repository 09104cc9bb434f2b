"""The journal of a run: the finished part of a dataset, in a file that a crash cannot corrupt."""
