"""A job and its digits become images, labels and ground truth."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.rendering.ground_truth import parameter_names
    from number_generator.rendering.sheet import contact_sheet

__all__ = ["contact_sheet", "parameter_names"]

__getattr__ = lazy_names(__name__, {"contact_sheet": "sheet", "parameter_names": "ground_truth"})
