"""Batches for models: streams, targets for CTC, and one subpackage per framework."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.training.ctc import Targets, encode_labels, needed_output_length

__all__ = ["Targets", "encode_labels", "needed_output_length"]

__getattr__ = lazy_names(__name__, {"Targets": "ctc", "encode_labels": "ctc", "needed_output_length": "ctc"})
