"""The journal of a run: what is done of a dataset, in a file that a crash cannot spoil."""
