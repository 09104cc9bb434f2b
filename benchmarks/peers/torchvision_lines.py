"""torchvision's transforms on lines of the packaged digits, one line at a time: a batch would get one draw for all."""

import random

import torch
from lines import Lines
from torchvision.transforms import v2 as transforms
from worker import serve


def prepare(path):
    torch.set_num_threads(1)
    lines = Lines(path)
    look = transforms.Compose(
        [
            transforms.RandomAffine(3, scale=(0.8, 1.05), shear=(-15, 15), fill=255),
            transforms.RandomApply([transforms.ElasticTransform(alpha=15.0, sigma=4.0, fill=255)], p=0.5),
            transforms.ColorJitter(brightness=0.15, contrast=0.3),
            transforms.RandomApply([transforms.GaussianBlur(3, (0.3, 1.0))], p=0.5),
            transforms.RandomApply([transforms.JPEG((40, 95))], p=0.4),
            transforms.ToDtype(torch.float32, scale=True),
            transforms.GaussianNoise(sigma=0.03),
            transforms.ToDtype(torch.uint8, scale=True),
        ]
    )

    def draw(numbers, seed):
        rng = random.Random(seed)
        torch.manual_seed(seed)
        pages = (torch.from_numpy(lines.draw(number, rng))[None] for number in numbers)
        return [look(page)[0].numpy() for page in pages]

    return draw


if __name__ == "__main__":
    serve(("torchvision", "torch", "Pillow", "numpy"), prepare)
