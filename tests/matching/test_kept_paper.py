"""Paper kept from scans: the ink goes, the paper stays."""

import numpy as np

from number_generator.matching.kept_paper import keep_paper


def scan(seed):
    random = np.random.default_rng(seed)
    page = 200 - np.linspace(0, 40, 120)[None, :] + random.normal(0, 5, (40, 120))
    page[30] -= 40  # a rule
    inked = page.copy()
    inked[8:28, 20:24] -= 90
    inked[8:12, 40:60] -= 90
    inked[8:28, 80:84] -= 90
    return page, np.clip(np.rint(inked), 0, 255).astype(np.uint8)


def test_ink_is_mended_and_the_rest_is_as_it_was():
    page, inked = scan(1)

    (mended,) = keep_paper([inked], 0)

    changed = mended != inked
    assert changed[8:28, 20:24].all()
    assert 0.05 < changed.mean() < 0.5
    assert np.abs(mended.astype(float) - page)[8:28, 10:95].mean() < 9
    assert mended[8:28, 20:24].std() > 3  # the paper's noise goes on
    assert np.array_equal(mended, next(keep_paper([inked], 0)))


def test_pictures_that_are_too_small_or_all_ink_are_left_out():
    tiny = np.full((8, 40), 200, np.uint8)
    full = np.full((40, 60), 220, np.uint8)
    full[:, ::8] = full[:, 1::8] = 20

    assert list(keep_paper([tiny, full], 0)) == []
