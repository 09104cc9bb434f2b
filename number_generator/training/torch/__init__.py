"""The implementation of `number_generator.torch`, for PyTorch."""

from number_generator.system.optional import import_optional

import_optional("torch", "torch", "number_generator.torch")  # before any module imports it, as this error is clearer
