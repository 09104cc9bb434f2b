"""What to make, frozen and validated: the job, its handwriting, and the metadata that a dataset records of it."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.job.chunk import Chunk
    from number_generator.job.handwriting import checked_style, with_settings
    from number_generator.job.spec import NumberSource

__all__ = ["Chunk", "NumberSource", "checked_style", "with_settings"]

__getattr__ = lazy_names(
    __name__, {"Chunk": "chunk", "NumberSource": "spec", "checked_style": "handwriting", "with_settings": "handwriting"}
)
