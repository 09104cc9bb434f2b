"""What a user should know about a dataset before training with it: warnings, in sentences."""

from __future__ import annotations

from number_generator.commands.inspection.statistics import LEGIBLE_PX, LabelStatistics, PageStatistics

_PLAIN_NOISE = 2.0  # levels of grey: no ink is overlooked on such paper
_UNCLEAR_SHARE = 0.2  # of the pages: far more than of the style document's
_USUAL_LONGEST = 25
_FEWEST_DIGITS = 1000
_LEAST_SHARE, _MOST_SHARE = 0.025, 0.4
_FEWEST_LABELS = 100
_DIFFERENT_SHARE = 0.95
_TENTH = "a model reads all digits equally well if each is about a tenth of those it is trained with"


def find_warnings(labels: LabelStatistics, pages: PageStatistics) -> tuple[str, ...]:
    """Return what seems wrong with a dataset."""
    if not pages.count:
        return ("the dataset holds no images",)
    found = [
        *_check_blank_pages(pages),
        *_check_borders(pages),
        *_check_lengths(labels, pages),
        *_check_balance(labels),
    ]
    if pages.repeated:
        found.append(
            f"{_format_percent(pages.repeated, pages.count)} of the images measured repeat an earlier one byte for byte"
        )
    return (*found, *_check_repeated_labels(labels))


def _check_blank_pages(pages: PageStatistics) -> list[str]:
    """Warn of pages with a label and no ink, and the other way round."""
    found = []
    is_plain = pages.noise is not None and pages.noise.median <= _PLAIN_NOISE
    if pages.blank_labelled:
        found.append(
            f"{_format_percent(pages.blank_labelled, pages.count)} of the pages have a label but no ink that stands "
            "out from the paper"
        )
    if pages.unclear_labelled > _UNCLEAR_SHARE * pages.count:
        found.append(
            f"{_format_percent(pages.unclear_labelled, pages.count)} of the pages have a label, and whether they have "
            "ink cannot be told from their paper"
        )
    if is_plain and pages.inked_unlabelled:
        found.append(f"{_format_percent(pages.inked_unlabelled, pages.count)} of the pages have ink but an empty label")
    return found


def _check_borders(pages: PageStatistics) -> list[str]:
    """Warn of ink at the upper and lower borders; lines fitted to the page touch the left and right ones."""
    inked = pages.inked
    is_plain = pages.noise is not None and pages.noise.median <= _PLAIN_NOISE
    touching = max(pages.touching["top"], pages.touching["bottom"])
    # Paper may be ruled to its borders, and pages that are cut to their ink all touch them.
    if (is_plain or pages.from_boxes) and 0.02 * inked < touching < 0.9 * inked:
        return [
            f"on {_format_percent(touching, inked)} of the pages, ink touches the upper or lower border: some of it "
            "may be cut off"
        ]
    return []


def _check_lengths(labels: LabelStatistics, pages: PageStatistics) -> list[str]:
    """Warn of labels that are too long for their page, or for what readers usually take."""
    if labels.lengths is None or not labels.lengths.most:
        return []
    longest = int(labels.lengths.most)
    found = []
    width = int(pages.width.most) if pages.width is not None and pages.width.least == pages.width.most else None
    if width is not None and width / longest < LEGIBLE_PX:
        found.append(
            f"labels have up to {longest} characters on pages {width} px wide, {width / longest:.1f} px per "
            "character: hardly legible"
        )
    if width is None and pages.cramped:
        found.append(
            f"{_format_percent(pages.cramped, pages.count)} of the pages have less than {LEGIBLE_PX:.0f} px of width "
            "for each character of their label: hardly legible"
        )
    if longest > _USUAL_LONGEST:
        found.append(
            f"labels have up to {longest} characters: by default, PARSeq and PaddleOCR leave out labels of more than "
            f"{_USUAL_LONGEST}"
        )
    return found


def _check_balance(labels: LabelStatistics) -> list[str]:
    """Warn of digits that hardly occur, or occur far too often."""
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


def _check_repeated_labels(labels: LabelStatistics) -> list[str]:
    """Warn of labels that repeat although there are far more numbers of their length."""
    written = labels.count - labels.empty
    if labels.lengths is None or written < _FEWEST_LABELS:
        return []
    different = labels.different - (labels.empty > 0)
    # How many would repeat by chance if all numbers had the mean length.
    by_chance = written**2 / 2 / 10 ** min(300.0, labels.lengths.mean)
    if different >= _DIFFERENT_SHARE * written or by_chance > 0.01 * written:
        return []
    return [
        f"only {different:,} of {written:,} labels are different, though numbers of their length would hardly repeat "
        "by chance"
    ]


def _format_percent(count: int, total: int) -> str:
    share = 100 * count / max(1, total)
    return f"{share:.1f} %" if share >= 0.1 else f"{share:.2g} %"
