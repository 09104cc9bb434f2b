"""PyTorch datasets whose images are made on demand and stored nowhere; needs the extra `torch`."""

from number_generator.training.torch.datasets import NumberImages, NumberStream
from number_generator.training.torch.sampler import NumberSampler

__all__ = ["NumberImages", "NumberSampler", "NumberStream"]
