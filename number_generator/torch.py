"""PyTorch datasets whose images are made on demand and stored nowhere, and batches; needs the extra `torch`."""

from number_generator.training.torch.collate import pad_batch
from number_generator.training.torch.datasets import NumberImages, NumberStream
from number_generator.training.torch.sampler import NumberSampler

__all__ = ["NumberImages", "NumberSampler", "NumberStream", "pad_batch"]
