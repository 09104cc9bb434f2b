"""What a dataset is, how it was made and what it holds: measured on a sample, shown, and compared with its job."""
