"""Wrong values of the page, and which control each belongs to."""

from collections.abc import Mapping

from number_generator.errors import SpecError


class WrongValuesError(SpecError):
    """Some values are not valid: messages by control; that of no control, "", is of the whole."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__("; ".join(wrong.values()))
        self.wrong = dict(wrong)
