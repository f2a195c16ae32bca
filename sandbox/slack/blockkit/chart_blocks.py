"""The schema of the block with a chart."""

# https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.blockkit.objects import IDENTIFIER
from sandbox.slack.blockkit.rules import distinct
from sandbox.slack.blockkit.schema import ObjectSchema, TaggedUnion, Violation, list_of, number, string

_NAME, _TITLE = string(20), string(50)


def _positive(value: Any, at: str) -> Iterator[Violation]:
    violations = [*number(value, at)]
    yield from violations or ([] if value > 0 else [Violation(at, "This must be more than 0.")])


def _one_point_per_category(value: Mapping[str, Any], at: str) -> Iterator[Violation]:
    categories = value["axis_config"]["categories"]
    for index, series in enumerate(value["series"]):
        if sorted(point["label"] for point in series["data"]) != sorted(categories):
            yield Violation(f"{at}/series/{index}/data", "There must be exactly one point for each category.")


# Newer copies of the documentation allow 12 segments or series, older ones 6: see BlockKitLimits.
_SEGMENT = ObjectSchema(required={"label": _NAME, "value": _positive})
_POINT = ObjectSchema(required={"label": _NAME, "value": number})
_SERIES = ObjectSchema(required={"name": _NAME, "data": list_of(_POINT, 20)})
_AXES = ObjectSchema(required={"categories": list_of(_NAME, 20)}, optional={"x_label": _TITLE, "y_label": _TITLE})


def _chart(tag: str) -> ObjectSchema:
    required = {"series": list_of(_SERIES, 12), "axis_config": _AXES}
    return ObjectSchema(tag, required=required, rules=(distinct("name", within="series"), _one_point_per_category))


DATA_VISUALIZATION = ObjectSchema(
    "data_visualization",
    required={
        "title": _TITLE,
        "chart": TaggedUnion(
            ObjectSchema("pie", required={"segments": list_of(_SEGMENT, 12)}), *map(_chart, ("bar", "area", "line"))
        ),
    },
    optional={"block_id": IDENTIFIER},
)
