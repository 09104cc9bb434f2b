"""What a dataset is and holds, and whether its images can be made again."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.commands.inspection.inspect import inspect_dataset
    from number_generator.commands.inspection.verification import verify

__all__ = ["inspect_dataset", "verify"]

__getattr__ = lazy_names(__name__, {"inspect_dataset": "inspect", "verify": "verification"})
