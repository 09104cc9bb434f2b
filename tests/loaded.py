"""Datasets loaded, and compared with what they should hold."""

import numpy as np


def load(kind, path):
    dataset = kind()
    dataset.load(path)
    return dataset


def digits_of(dataset):
    """Return the images of digits, and their labels as integers."""
    images, labels = dataset.get_data()
    return images, np.array([int(label) for label in labels])


def assert_same(dataset, images, labels):
    assert len(dataset) == len(images)
    got_images, got_labels = dataset.get_data()
    np.testing.assert_array_equal(got_images, images)
    assert got_images.dtype == np.uint8
    assert got_labels == list(labels)
