"""Names, defaults and limits that several rooms share, each written once; importing this loads nothing else."""

PROGRAM = "generate-phone-numbers"
"""The command that makes datasets, as they record it."""

PACKAGE_PROGRAM = "number-generator"
"""The command that holds all others."""

PACKAGED = "packaged"
"""The name of the packaged digits; on its own, an empty name means them as well."""

NUM_IMAGES = 1000
"""Number of images that a command makes."""

IMAGE_WIDTH = 100
"""Width of an image, in px."""

LOWEST_PAGE, HIGHEST_PAGE = 16, 256
"""Heights that an image can be given, in px."""

SPACING_RANGE = (5, 10)
"""Smallest and largest gap of the style `clean`, in px; other styles have their own gaps."""

REAL_SHARE = 0.125
"""The share of the images that are real lines, if there are any."""

SHEET_IMAGES = 60
"""Number of images on a contact sheet."""

SHEET_WIDTH = 128
"""Width of an image on the contact sheet of a style, in px."""

SPAN_IMAGES = 2048
"""The most images that one task makes: it takes milliseconds."""

SPAN_BYTES = 12 * 2**20
"""The most memory that one task fills: it stays in a core's share of the last cache level."""

MAX_SHARDS = 10_000
"""The most shards that a dataset can have."""

VERIFIED_IMAGES = 256
"""How many images `inspect --verify` makes again by default."""
MATCH_EVALUATIONS = 600
"""Styles that `match` draws and compares with scans."""
