"""How images are shared out among the files of a folder."""


def divide_evenly(count: int, files: int) -> list[int]:
    """Return how many of the images each file holds: they differ by one at most, and the larger ones come first.

    Examples
    --------
    >>> divide_evenly(10, 4)
    [3, 3, 2, 2]
    """
    return [count // files + (number < count % files) for number in range(files)]
