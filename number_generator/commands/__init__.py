"""The command line: parse, plan, run, resume, shard, inspect."""

from number_generator.system.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.commands.recorded import parsed_command

__all__ = ["parsed_command"]

__getattr__ = lazy_names(__name__, {"parsed_command": "recorded"})
