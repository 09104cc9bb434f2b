"""What a user should know of a dataset before training with it: warnings, in sentences."""

from __future__ import annotations

from number_generator.commands.inspection.statistics import LabelStatistics, PageStatistics

__all__ = ["find_warnings"]

_PLAIN_NOISE = 2.0  # levels of grey: on such paper no ink is overlooked
_OVERLOOKED_SHARE = 0.03  # on noisy paper: on 1 % of the style document's pages, lines are too faint to be told
_LEGIBLE_PX = 4.0  # of the page for each character
_USUAL_LONGEST = 25
_FEWEST_DIGITS = 1000
_LEAST_SHARE, _MOST_SHARE = 0.025, 0.4
_FEWEST_LABELS = 100
_DIFFERENT_SHARE = 0.95


def find_warnings(labels: LabelStatistics, pages: PageStatistics, size: tuple[int, int]) -> tuple[str, ...]:
    """Tell what seems wrong with a dataset.

    Parameters
    ----------
    labels : LabelStatistics
    pages : PageStatistics
    size : (int, int)
        Height and width of a page in px.
    """
    if not pages.count:
        return ("the dataset holds no image",)
    found = [*_of_blank_pages(pages), *_of_borders(pages), *_of_lengths(labels, size), *_of_balance(labels)]
    if pages.repeated:
        found.append(
            f"{_percent(pages.repeated, pages.count)} of the images measured are the same to the byte as an earlier one"
        )
    return (*found, *_of_repeated_labels(labels))


def _of_blank_pages(pages: PageStatistics) -> list[str]:
    """Tell of pages without ink that have a label, and the other way round."""
    found = []
    is_plain = pages.noise is not None and pages.noise.median <= _PLAIN_NOISE
    if pages.blank_labelled > (0 if is_plain else _OVERLOOKED_SHARE * pages.count):
        found.append(
            f"{_percent(pages.blank_labelled, pages.count)} of the pages have a label and no ink that stands out from "
            "their paper"
        )
    if is_plain and pages.inked_unlabelled:
        found.append(f"{_percent(pages.inked_unlabelled, pages.count)} of the pages have ink and an empty label")
    return found


def _of_borders(pages: PageStatistics) -> list[str]:
    """Tell of ink at the upper and lower border: at the left and right one, lines end that are fitted to the page."""
    inked = pages.count - pages.blank
    is_plain = pages.noise is not None and pages.noise.median <= _PLAIN_NOISE
    touching = max(pages.touching["top"], pages.touching["bottom"])
    # Paper may have lines ruled to its borders, and pages that are cut to their ink all touch.
    if (is_plain or pages.from_boxes) and 0.02 * inked < touching < 0.9 * inked:
        return [
            f"on {_percent(touching, inked)} of the pages the ink touches the upper or the lower border: some of it "
            "may be cut off"
        ]
    return []


def _of_lengths(labels: LabelStatistics, size: tuple[int, int]) -> list[str]:
    """Tell of labels that are too long for their page, or for what is usual."""
    if labels.lengths is None or not labels.lengths.most:
        return []
    longest = int(labels.lengths.most)
    found = []
    if size[1] / longest < _LEGIBLE_PX:
        found.append(
            f"labels of up to {longest} characters stand on pages {size[1]} px wide, {size[1] / longest:.1f} px for "
            "each character: hardly to be read"
        )
    if longest > _USUAL_LONGEST:
        found.append(
            f"labels have up to {longest} characters: PARSeq and PaddleOCR leave out those of more than "
            f"{_USUAL_LONGEST}, unless they are told otherwise"
        )
    return found


def _of_balance(labels: LabelStatistics) -> list[str]:
    """Tell of digits that hardly occur, or far too often."""
    total = sum(labels.balance.values())
    if total < _FEWEST_DIGITS:
        return []
    shares = {digit: labels.balance.get(digit, 0) / total for digit in "0123456789"}
    found = []
    rare = [digit for digit, share in shares.items() if share < _LEAST_SHARE]
    if rare:
        found.append(
            f"the digit{'s' * (len(rare) > 1)} {', '.join(rare)} hardly occur{'s' * (len(rare) == 1)}: {_TENTH}"
        )
    found += [
        f"{100 * share:.0f} % of the digits are {digit}: {_TENTH}"
        for digit, share in shares.items()
        if share > _MOST_SHARE
    ]
    return found


_TENTH = "a reader that is trained with a tenth of each reads all of them equally well"


def _of_repeated_labels(labels: LabelStatistics) -> list[str]:
    """Tell of labels that occur again although there are far more numbers of their length."""
    written = labels.count - labels.empty
    if labels.lengths is None or written < _FEWEST_LABELS:
        return []
    different = labels.different - (labels.empty > 0)
    # As many as this occur twice by chance where all numbers have the same one.
    by_chance = written**2 / 2 / 10 ** min(300.0, labels.lengths.mean)
    if different >= _DIFFERENT_SHARE * written or by_chance > 0.01 * written:
        return []
    return [
        f"of {written:,} labels only {different:,} are different, and numbers of their length that are drawn would "
        "hardly repeat"
    ]


def _percent(count: int, total: int) -> str:
    share = 100 * count / max(1, total)
    return f"{share:.1f} %" if share >= 0.1 else f"{share:.2g} %"
