"""A job and its digits become images, labels and ground truth."""
