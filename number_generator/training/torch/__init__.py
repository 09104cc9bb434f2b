"""PyTorch: `number_generator.torch` is the door."""
