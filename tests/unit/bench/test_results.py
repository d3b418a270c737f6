"""The table and the picture of the curve are what the two runs beside them say."""

from xml.etree import ElementTree

from bench import results


def test_the_results_page_says_what_the_two_runs_have_measured() -> None:
    before, after = (results.read(results.HERE / f"curve-{name}.jsonl") for name in ("before", "after"))
    page = (results.HERE / "RESULTS.md").read_text(encoding="utf-8")
    assert results.replaced(page, results.table(before, after)) == page
    drawn = (results.HERE / "curve.svg").read_text(encoding="utf-8")
    assert drawn == results.picture(before, after)
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
