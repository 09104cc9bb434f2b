"""Contact sheets: many labelled images at a glance, of a style or of a dataset.

The package loads this module with itself (its `__init__` says why), so the work is done in `contact_sheets`.
"""

from __future__ import annotations

from number_generator.job.defaults import SHEET_IMAGES, SHEET_WIDTH

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    import os
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from number_generator.digits.dataset import DigitImageDataset
    from number_generator.formats.dataset import GenericDataset
    from number_generator.job.chunk import Images
    from number_generator.job.handwriting import Handwriting

__all__ = ["preview"]


def preview(
    source: str | os.PathLike[str] | Handwriting | GenericDataset,
    path: str | os.PathLike[str] | None = None,
    *,
    count: int = SHEET_IMAGES,
    width: int | str = SHEET_WIDTH,
    image_height: int | None = None,
    color: bool = False,
    spacing_range: tuple[int, int] | None = None,
    seed: int = 0,
    digits: str | os.PathLike[str] | DigitImageDataset | None = None,
    sequences: Sequence[str] | Sequence[Sequence[int]] | npt.NDArray[np.integer] | None = None,
) -> Images:
    """Draw a contact sheet of a style, or of a dataset.

    Parameters
    ----------
    source : str, path_like, Handwriting or GenericDataset
        What to show. A style is given as for `generate_batch`: its name, a file that ends in `.toml`, or a
        `Handwriting`. Any other path is a dataset's, as `GenericDataset.load` reads it; for a file with the name of a
        style, give its folder as well, as in ``./clean``.
    path : path_like, optional
        A file name that ends in `.png`: the sheet is also written there, and replaces an earlier file.
    count : int
        Number of images, from 1 to 10,000. Those of a dataset are spread evenly over it, from the first to the last;
        a smaller dataset is shown whole.
    width : int or str
        For a style: width of each image in px, as for `generate_batch`.
    image_height : int, optional
        For a style: height of each image in px, as for `generate_batch`.
    color : bool
        For a style: whether the sheet is in colour, as for `generate_batch`.
    spacing_range : (int, int), optional
        For a style: as for `generate_batch`. None leaves the gaps to the style; for `clean` they are then (5, 10).
    seed : int
        For a style: from 0 to 2**64 - 1; the same seed gives the same sheet.
    digits : path_like or DigitImageDataset, optional
        For a style: the digits to compose from; None means the default digit dataset.
    sequences : sequence of str, sequence of sequences of int, or integer ndarray, shape (N, L), optional
        For a style: what to write, repeated until there are `count` images. None draws numbers of 2 to 7 digits.

    Returns
    -------
    ndarray, shape (h, w), or (h, w, 3) in colour, uint8
        Images with their labels below, about 1,200 px wide.

    Raises
    ------
    SpecError
        If an argument breaks a rule above.
    DatasetError, DatasetNotFoundError, DatasetReadError
        If a dataset cannot be used.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> from number_generator import Handwriting, preview
    >>> sheet = preview("clean", count=12, seed=1)
    >>> slanted = preview(Handwriting(slant=(0.2, 0.6)), count=12, seed=1)
    >>> sheet.shape == slanted.shape, sheet.dtype
    (True, dtype('uint8'))
    """
    from number_generator.contact_sheets import draw_preview  # noqa: PLC0415 - see the module's first lines

    style_only = {
        "image_height": image_height,
        "color": color or None,
        "spacing_range": spacing_range,
        "digits": digits,
        "sequences": sequences,
    }
    return draw_preview(source, path, count, width, seed, **style_only)
