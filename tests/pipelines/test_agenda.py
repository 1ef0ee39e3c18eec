"""Which nodes of a run are attempted, and when."""

from pipelines.executors.agenda import Agenda


def test_a_node_that_waits_for_another_is_not_attempted_before_it_however_often_it_is_put() -> None:
    agenda = Agenda(["film", "watch", "join"], {"film": [], "watch": ["film"], "join": ["watch"]})
    for node in ("film", "watch", "join"):
        assert agenda.pop() == node
        agenda.settle(node)
    # The worker died with all three: the film is made again, and both others miss what they read.
    agenda.put("film")
    assert agenda.pop() == "film"
    agenda.wait("watch", ["film"])
    agenda.put("watch")  # asked for by "join"
    agenda.wait("join", ["watch"])
    assert agenda.head is None
    agenda.settle("film")
    assert agenda.pop() == "watch"
    assert agenda.head is None
    agenda.settle("watch")
    assert agenda.pop() == "join"
