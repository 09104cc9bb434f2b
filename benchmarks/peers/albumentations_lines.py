"""Albumentations on top of the plain loop: the nearest that its transforms come to `document`."""

import os
import random

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as transforms
import cv2
from lines import Lines
from worker import serve


def prepare(path):
    cv2.setNumThreads(0)
    lines = Lines(path)
    white = {"border_mode": cv2.BORDER_CONSTANT, "fill": 255}

    def draw(numbers, seed):
        rng = random.Random(seed)
        look = transforms.Compose(
            [
                transforms.Affine(scale=(0.8, 1.05), rotate=(-3, 3), shear={"x": (-15, 15)}, p=1.0, **white),
                transforms.ElasticTransform(alpha=15, sigma=4, approximate=True, p=0.5, **white),
                transforms.RandomBrightnessContrast(0.15, 0.3, p=0.8),
                transforms.GaussianBlur(blur_limit=(3, 3), sigma_limit=(0.3, 1.0), p=0.5),
                transforms.GaussNoise(std_range=(0.01, 0.05), p=0.7),
                transforms.ImageCompression(quality_range=(40, 95), p=0.4),
            ],
            seed=seed,
        )
        return [look(image=lines.draw(number, rng))["image"] for number in numbers]

    return draw


if __name__ == "__main__":
    serve(("albumentations", "opencv-python-headless", "Pillow", "numpy"), prepare)
