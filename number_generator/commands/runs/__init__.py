"""A run of the dataset command: planned, carried out, resumed, or handed to a cluster."""
