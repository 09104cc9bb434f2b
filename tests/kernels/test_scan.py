"""The scan: what spots, blur, noise, JPEG, contrast and inversion do to a page."""

import io

import numpy as np
import pytest
from pages import CLEAN, SHAPE, draw, every_ink, scan_page
from PIL import Image
from scipy import ndimage


@pytest.fixture(scope="module")
def cover():
    return every_ink()


def test_speckles_are_as_many_as_told_on_average():
    page = np.full((64, 256), 140.0)
    style = CLEAN.replace(speckle=0.5)

    spots = [(scan_page(style, page, image) != 140) for image in range(60)]
    counts = [ndimage.label(each, np.ones((3, 3)))[1] for each in spots]

    # 0.5 for 1,000 px are 8.2 for 16,384; few overlap, none is larger than 1.3 px and its soft edge.
    assert np.mean(counts) == pytest.approx(8.2, rel=0.1)
    sizes = [np.bincount(ndimage.label(each, np.ones((3, 3)))[0].ravel())[1:].max() for each in spots]
    assert np.median(sizes) < 14
    assert any((scan_page(style, page, image) > 140).any() for image in range(5))
    assert any((scan_page(style, page, image) < 140).any() for image in range(5))


def test_a_fraction_of_a_speckle_is_a_chance():
    page = np.full((10, 50), 140.0)

    shown = np.mean([(scan_page(CLEAN.replace(speckle=0.6), page, image) != 140).any() for image in range(500)])

    assert 0.2 < shown < 0.37


def blurred(page, deviation):
    """Blur the obvious way."""
    reach = np.arange(-8, 9)
    weights = np.exp(-(reach**2) / (2 * deviation**2))
    for axis in (0, 1):
        page = ndimage.correlate1d(page, weights / weights.sum(), axis, mode="nearest")
    return page


@pytest.mark.parametrize("deviation", [0.15, 0.3, 0.42, 0.5, 0.7, 0.8])
@pytest.mark.parametrize("shape", [SHAPE, (4, 1), (5, 3), (6, 2), (28, 4), (9, 70)])
def test_blur_is_gaussian(deviation, shape):
    page = np.random.default_rng(5).uniform(0, 255, shape)

    result = scan_page(CLEAN.replace(blur=deviation), page).astype(float)

    assert np.abs(result - blurred(page, deviation)).max() < 0.8  # and half of that is rounding


@pytest.mark.parametrize("deviation", [0.3, 0.6, 0.79, 0.81, 0.9, 1.0, 1.13, 1.14, 1.3, 1.5])
def test_blur_spreads_a_line_by_its_standard_deviation(deviation):
    page = np.zeros((28, 41))
    page[:, 20] = 250

    profile = scan_page(CLEAN.replace(blur=deviation), page)[14].astype(float)

    spread = np.sqrt((profile * (np.arange(41) - 20) ** 2).sum() / profile.sum())
    of_samples = blurred(page, deviation)[14]
    expected = np.sqrt((of_samples * (np.arange(41) - 20) ** 2).sum() / of_samples.sum())
    assert spread == pytest.approx(expected, rel=0.04)
    assert profile.sum() == pytest.approx(250, rel=0.02)


@pytest.mark.parametrize("deviation", [0.81, 1.0, 1.2, 1.5])
def test_a_wide_blur_of_ink_is_nearly_gaussian(cover, deviation):
    page = 255.0 - cover

    difference = np.abs(scan_page(CLEAN.replace(blur=deviation), page) - blurred(page, deviation))

    assert difference.max() < 8
    assert difference.mean() < 0.8


@pytest.mark.parametrize("height", [32, 64, 128, 256])
def test_blur_grows_with_the_page(height):
    page = np.full((height, 200), 255.0)
    page[: height // 4] = 20
    page[height // 2 :, : height // 4] = 0
    px = height / 28

    for deviation in (0.05, 0.3, 0.5, 0.8, 1.1, 1.5):
        result = scan_page(CLEAN.replace(blur=deviation), page, px=px).astype(float)

        difference = np.abs(result - ndimage.gaussian_filter(page, deviation * px, mode="nearest", truncate=5))
        assert difference.max() < 8, deviation
        assert difference.mean() < 1, deviation


@pytest.mark.parametrize("shape", [(4, 1), (4, 3), (5, 3), (7, 2)])
@pytest.mark.parametrize("deviation", [0.5, 1.5])
def test_blur_leaves_a_flat_page_flat(shape, deviation):
    assert (scan_page(CLEAN.replace(blur=deviation), np.full(shape, 200.0)) == 200).all()


def test_blur_takes_the_same_rows_and_columns_alike():
    page = np.random.default_rng(6).uniform(0, 255, (40, 40)).astype(np.float32)
    style = CLEAN.replace(blur=0.6)

    difference = scan_page(style, page).astype(int) - scan_page(style, page.T).T

    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("deviation", [0.02, 0.08])
def test_noise_has_the_standard_deviation_told_and_no_pattern(deviation):
    page = np.full((64, 256), 128.0)
    alike = []
    for image in range(40):
        noise = scan_page(CLEAN.replace(noise=deviation), page, image) - 128.0

        assert noise.std() == pytest.approx(deviation * 255, rel=0.06)
        assert abs(noise.mean()) < deviation * 255 / 10
        variance = noise.var()
        alike.append((noise[:, 1:] * noise[:, :-1]).mean() / variance)
        assert abs((noise[1:] * noise[:-1]).mean() / variance) < 0.15
        assert abs((noise[:, 2:] * noise[:, :-2]).mean() / variance) < 0.1
        assert np.abs(noise).max() > 2 * deviation * 255

    # In half of the lines, neighbours are alike by a third.
    alike = np.array(alike)
    assert ((np.abs(alike) < 0.1) | (np.abs(alike - 1 / 3) < 0.1)).all()
    assert 10 <= (alike > 0.2).sum() <= 30


def test_noise_never_repeats_itself_elsewhere_on_the_page():
    page = np.full(SHAPE, 128.0)
    for image in range(6):
        noise = scan_page(CLEAN.replace(noise=0.1), page, image) - 128.0
        power = np.abs(np.fft.fft2(noise - noise.mean(), (56, 256))) ** 2
        correlation = np.fft.ifft2(power).real / power.mean()
        correlation[0, [0, 1, -1]] = 0

        assert np.abs(correlation).max() < 0.25


@pytest.mark.parametrize("quality", [5, 10, 30, 49, 50, 75, 95, 100])
@pytest.mark.parametrize("shape", [SHAPE, (32, 64), (9, 70), (5, 3), (4, 1), (28, 129)])
def test_jpeg_is_what_pillow_makes_of_it(cover, quality, shape):
    random = np.random.default_rng(quality)
    noisy = np.clip(200 - 0.6 * np.resize(cover, shape) + random.normal(0, 12, shape), 0, 255)
    page = np.rint(noisy).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        expected = np.asarray(image).astype(int)

    compressed = scan_page(CLEAN.replace(jpeg=1, jpeg_quality=quality), page.astype(np.float32)).astype(int)

    # libjpeg transforms in integers: now and then a coefficient is rounded to the other side.
    difference = np.abs(compressed - expected)
    assert difference.mean() < 0.8
    assert (difference <= 2).mean() > 0.9
    if page.size > 1000 and quality <= 95:
        assert difference.mean() < 0.3 * np.abs(expected - page.astype(int)).mean()


def test_jpeg_takes_levels_beyond_black_and_white_as_these():
    page = np.where(np.arange(128)[None, :] % 32 < 16, -300.0, 900.0) * np.ones((28, 1))
    style = CLEAN.replace(jpeg=1, jpeg_quality=90)

    assert (scan_page(style, page) == scan_page(style, np.clip(page, 0, 255))).all()


def test_auto_levels_stretch_to_full_contrast_without_turning_the_order(cover):
    page = 180 - 80 * (cover / 255.0)
    for image in range(20):
        stretched = scan_page(CLEAN.replace(auto_levels=1), page, image)

        assert stretched.max() == 255
        assert stretched.min() <= 12
        order = np.argsort(page.ravel(), kind="stable")
        assert (np.diff(stretched.ravel()[order].astype(int)) >= 0).all()


def test_auto_levels_do_not_mind_a_single_pixel_nor_an_empty_page(cover):
    page = 180 - 80 * (cover / 255.0)
    spotted = page.copy()
    spotted[1, 60] = 0
    spotted[26, 61] = 255
    style = CLEAN.replace(auto_levels=1)

    apart = scan_page(style, page) != scan_page(style, spotted)
    empty = scan_page(style, 120 + np.random.default_rng(1).uniform(0, 4, SHAPE))

    assert apart[1, 60]
    assert apart.sum() == 1  # the bright spot is as white as the paper
    assert empty.std() < 10


def test_invert_turns_dark_to_light(cover):
    style = CLEAN.replace(paper=0.9, noise=0.03, auto_levels=1, blur=0.5)

    assert (draw(style.replace(invert=1), cover).astype(int) - (255 - draw(style, cover)) <= 1).all()
    assert (draw(CLEAN.replace(invert=1), cover) == cover).all()


def test_the_page_is_rounded_and_clipped():
    page = np.array([[-5.0, 0.4, 0.6, 254.4], [254.6, 300.0, 17.5, 1e5]] * 2, np.float32)

    assert scan_page(CLEAN, page).tolist() == [[0, 0, 1, 254], [255, 255, 18, 255]] * 2
