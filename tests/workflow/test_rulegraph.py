"""The picture of the rules shows the rules that there are."""

import networkx as nx
from rulegraph import OF_EVERYTHING, PICTURE, defined, drawn, graph_of, planned
from smoke_run import Checkout


def test_the_picture_is_that_of_the_demo_s_rules(fresh: Checkout) -> None:
    graph = graph_of(planned(fresh.folder))
    assert drawn(graph) == PICTURE.read_text(encoding="utf-8"), "run: python docs/rulegraph.py"
    assert graph.nodes <= set(defined())


def test_rules_stand_below_what_they_follow_from() -> None:
    rules = defined()
    graph = nx.DiGraph([("phantom", "survey"), ("survey", "data_card"), ("phantom", "preprocess")])
    graph.add_nodes_from(rule for names in OF_EVERYTHING for rule in names.split(", "))
    picture = drawn(graph)
    assert rules.index("phantom") < rules.index("survey") < rules.index("data_card")
    assert picture.count('marker-end="url(#tip)"') == 3
    assert 'stroke-dasharray="5 3">\n</g>' in picture  # nothing goes back
