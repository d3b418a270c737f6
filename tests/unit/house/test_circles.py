"""No circle among the modules, imports for types alone included: what is read is read after what it stands on."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

HOUSE = (
    "city",
    "stack",
    "coldwatch",
    "console",
    "ingest",
    "processors",
    "alerts",
    "history",
    "schemas",
    "bench",
)


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    """One circle, as module names in order; empty when there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph(*HOUSE)
    assert len(graph.modules) > 250
    assert (
        circle_in({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}) == []
    )


@pytest.mark.parametrize(
    ("imports", "found"), [({"a": {"b"}, "b": {"a"}}, True), ({"a": {"b"}, "b": set()}, False)]
)
def test_a_circle_is_found(imports: dict[str, set[str]], found: bool) -> None:
    assert bool(circle_in(imports)) is found
