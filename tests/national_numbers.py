"""National numbers as phonenumbers sees them, and the sets of digit strings that describe them."""

import itertools
import re

from phonenumbers import PhoneNumber


def digits_of(written):
    return re.sub(r"\D", "", written)


def number_of(calling_code, digits):
    """Return the number that phonenumbers means by the digits of a national number."""
    zeros = min(len(digits) - len(digits.lstrip("0")), len(digits) - 1)
    return PhoneNumber(
        country_code=calling_code,
        national_number=int(digits),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def is_of_type(digits, desc):
    """Tell whether a national number is in the pattern of a type, and of a length that this can have."""
    if desc is None or not desc.national_number_pattern or len(digits) not in desc.possible_length:
        return False
    return re.fullmatch(desc.national_number_pattern, digits) is not None


def some_strings(languages, language, count, chance):
    """Return some strings of a finite set, each made digit by digit."""
    found = []
    while language and len(found) < count:
        state, digits = language, ""
        while True:
            *targets, tag = languages._rows[state]
            ways = [digit for digit in range(10) if targets[digit]]
            if tag >= 0 and (not ways or chance.random() < 0.2):
                break
            digits += str(chance.choice(ways))
            state = targets[int(digits[-1])]
        found.append(digits)
    return found


def holds(languages, language, text):
    """Return the tag that a string has in a set, or None."""
    for character in text:
        language = languages._rows[language][int(character)]
    tag = languages._rows[language][-1]
    return None if tag < 0 else tag


def texts_up_to(length, alphabet):
    """Return all strings of digits of an alphabet, the empty one too."""
    return ["".join(each) for size in range(length + 1) for each in itertools.product(alphabet, repeat=size)]
