"""NumPy's archives."""
