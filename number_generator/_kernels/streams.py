"""The random streams by number: one for each purpose, so that a new feature never shifts the draws of an old one.

A number belongs to its purpose for good: the pixels would change with it. A new purpose takes a free number, below 160
if it is a parameter's: a style's table has a row for each (see `draws`). These are plain integers, so that a style can
be declared without NumPy; in a kernel, `streams.SLANT` is an int64.
"""

# --- numbers, and the style `clean`
LENGTH = 1  # how many digits a phone number has
DIGIT = 2  # the digits of a phone number
GLYPH = 3  # which image of a digit is drawn
SPACING = 4  # the gaps of a `spacing_range`
PATTERN = 5  # numbers of a pattern
COUNTRY = 6  # phone numbers of countries
SPLIT = 7  # which split a digit image belongs to
LIST = 8  # which sequence of a list is drawn

# --- real lines among the drawn ones: the parameters of `RealLines` from `REAL_SHIFT` on
REAL_PLACE = 16  # which images of a block are real, at the block's number
REAL_ORDER = 17  # in which order the lines come, at the number of the round
REAL_SHIFT = 18  # how far a line is moved to the right, then downwards
REAL_SCALE = 19  # its size
REAL_SQUEEZE = 20  # its width at the same height
REAL_SLANT = 21  # what is added to its slant
REAL_ROTATION = 22  # what is added to its rotation
REAL_WARP = 23  # smooth deformation: how far, and the shape of its waves
REAL_THICKNESS = 24  # what is added to the width of its strokes

# --- layout: the parameters of `Handwriting` from here on, unless a comment says otherwise
CROP = 32  # no draws: a choice
HEIGHT = 33  # how high the ink of a tightly cut line is
SIZE = 34  # writing size
GAP = 35  # gap between neighbouring digits
GAP_JITTER = 36  # what is added to each gap
WIDE_GAP = 37  # which gaps are wide
WIDE_GAP_SIZE = 38  # what is added to a wide gap
SQUEEZE = 39  # horizontal scale
FILL = 40  # which lines are stretched to the page's width
MARGIN = 41  # free width at the left, then at the right
POSITION = 42  # place in the free width
VERTICAL_POSITION = 43  # place in the free height
LOOSE = 44  # which tightly cut lines are cut loosely
LOOSE_HEIGHT = 45  # how high their ink is
LOOSE_MARGIN = 46  # their free width at the left, then at the right
INTRUSION = 47  # lines with ink of their neighbours at the borders, and what it is
INTRUSION_REACH = 54  # how far it reaches in

# --- line
SLANT = 48  # slant of the line
ROTATION = 49  # rotation of the line
DRIFT = 50  # bend of the baseline
THICKNESS = 51  # what is added to the stroke width
CONSISTENCY = 52  # how alike slant and stroke width of the digits are
WRITER = 53  # no draws: a choice
SIZE_DRIFT = 55  # how the size of the digits changes along the line
SLANT_DRIFT = 56  # how their slant changes
GAP_DRIFT = 57  # how the gaps change
LARGE_START = 58  # lines whose first digit is too large, and how large
SQUEEZED_END = 59  # lines whose last digit is squeezed in, and how narrow

# --- glyph
SIZE_JITTER = 64  # size of each digit
ASPECT = 65  # width of each digit
BASELINE_JITTER = 66  # height of each digit above the baseline
SLANT_JITTER = 67  # slant of each digit
ROTATION_JITTER = 68  # rotation of each digit
THICKNESS_JITTER = 69  # stroke width of each digit
WARP = 70  # elastic deformation of each digit: how far, and the shape of its waves

# --- forms
UPSTROKE = 80  # lines whose 1s have an upstroke, and its shape
CROSSBAR = 81  # lines whose 7s are crossed, and the bar's shape
TAIL = 82  # digits that end in a tail, and its shape
OPEN_LOOP = 83  # digits whose loop is open
LETTERFORMS = 84  # lines with letterforms, and their region
LETTERFORM_MIX = 85  # how many classes of digits are drawn by one, and which form and hand each has
LETTERFORM_CONSTANCY = 86  # digits that keep to it, what the others have, and the drawing of each
LETTERFORM_SET = 87  # no draws: a choice
LINKS = 88  # lines with links between digits, and each link

# --- proportions
PROPORTIONS = 72  # how unequal the heights of the digits are, and the line's and each digit's own height
ZERO_SIZE = 73  # size of zeros
ZERO_RISE = 74  # how far small zeros are raised
ZERO_SHRINK = 75  # how much smaller each zero of a run is than the one before it
OLD_STYLE = 76  # lines of old-style figures

# --- marks
INNER_MARKS = 96  # lines in groups of three digits, and the mark between them
END_MARKS = 97  # lines with marks at their ends, and which ones
MARK_SHAPE = 98  # no parameter: the shape of each mark and separator

# --- ink
INK = 112  # strength of the ink
INK_DRIFT = 113  # how far its strength varies along the line, and the waves of it
INK_TEXTURE = 114  # how strong its grain is, and the grain itself
SOFTNESS = 115  # width of the edges of strokes

# --- paper
PAPER = 128  # brightness of the paper
GRADIENT = 129  # darkening towards one side: how much, and the direction
TEXTURE = 130  # blotches: how strong, and their shapes
WAVES = 131  # lines on paper with waves, and their shapes
WAVE_STRENGTH = 132  # how dark waves are
FIBRES = 133  # lines on paper with fibres, and each fibre
FIBRE_STRENGTH = 134  # how dark fibres are
RULED = 135  # lines with a rule, and its shape
BOXED = 136  # lines in a box, and its sides
RULE_STRENGTH = 137  # how dark rules and boxes are
PADDING = 138  # lines whose paper ends at the margins, and where

# --- own paper
OWN_PAPER = 139  # lines on a picture of own paper, and the cut
OWN_PAPER_SCALE = 140  # how much the picture is scaled down
OWN_PAPER_SHADING = 141  # no draws: a choice

# --- colour
PEN_BLUE = 118  # lines in blue ink, and the tone of any ink that is not red
PEN_RED = 119  # lines in red ink, and its tone
PAPER_TINT = 120  # how strongly the paper is tinted, and the tint
RULE_COLOUR = 121  # lines with rules and boxes in colour, and the colour

# --- scan
SPECKLE = 144  # how many specks, and each speck
BLUR = 145  # how far the page is blurred
NOISE = 146  # how strong the noise is, and the noise itself
JPEG = 147  # lines that went through JPEG
JPEG_QUALITY = 148  # its quality
AUTO_LEVELS = 149  # lines stretched to full contrast, and their darkest level
INVERT = 150  # lines with light ink on a dark page

# --- the style `clean` again
SEPARATOR = 160  # no parameter: the shapes of separators, at image number `code` of seed 0
