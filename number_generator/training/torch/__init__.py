"""The implementation of `number_generator.torch`, for PyTorch."""
