"""What is measured of a page's looks, and in which column; and what all measures count with."""

LOOKS = (
    "paper", "gradient", "noise", "texture_2", "texture_4", "texture_8", "even", "specks", "rule", "box", "blocks",
    "contrast", "ink_drift", "grain", "edge", "sharpness", "stroke", "slant", "height", "top", "bottom", "left",
    "right", "pitch", "gap", "touching", "rotation", "bend", "unevenness", "crossings", "aspect",
)  # fmt: skip
"""What is measured of a page, in this order."""
PAPER, GRADIENT, NOISE, TEXTURE, EVEN, SPECKS, RULE, BOX, BLOCKS = 0, 1, 2, 3, 6, 7, 8, 9, 10
CONTRAST, INK_DRIFT, GRAIN, EDGE, SHARPNESS, STROKE, SLANT, HEIGHT = 11, 12, 13, 14, 15, 16, 17, 18
TOP, BOTTOM, LEFT, RIGHT, PITCH, GAP, TOUCHING, ROTATION, BEND, UNEVENNESS = 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
CROSSINGS, ASPECT = 29, 30

BINS = 1024
"""In which levels are counted."""
FEWEST_INK = 12
"""Px of ink: with fewer there is nothing to measure."""
SIGMAS_A_MAD = 1.4826
"""Of a normal distribution."""
