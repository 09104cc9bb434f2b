"""The kinds of exports by name, and what each is for; nothing heavy loads with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from number_generator.exports.exporter import Exporter


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of export: what it is called, and where its exporter is, as "module:class"."""

    title: str
    place: str

    def make(self) -> Exporter:
        """Make an exporter of this kind."""
        module, _, name = self.place.partition(":")
        maker: Callable[[], Exporter] = getattr(import_module(module), name)
        return maker()


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "coco": Kind("COCO JSON", "number_generator.exports.coco:CocoExporter"),
        "yolo": Kind("YOLO, txt files and data.yaml", "number_generator.exports.yolo:YoloExporter"),
        "page": Kind("PAGE XML", "number_generator.exports.page_xml:PageExporter"),
        "alto": Kind("ALTO XML", "number_generator.exports.alto:AltoExporter"),
        "label-studio": Kind(
            "Label Studio, tasks in JSON", "number_generator.exports.label_studio:LabelStudioExporter"
        ),
    }
)
"""All kinds by their names, in the order in which they are offered."""
