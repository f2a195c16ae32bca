"""What a browser is told: all at first, then what differs."""

from sandbox.web.state_diff import Mirror, Part


def test_a_browser_is_told_everything_first_and_then_only_what_changed() -> None:
    parts = [Part("a", 1, lambda: {"is": "a"}), Part("b", 1, lambda: {"is": "b"})]
    mirror = Mirror(lambda: parts)

    first = mirror.changes()
    parts[0] = Part("a", 2, lambda: {"is": "another a"})
    parts.append(Part("c", None, lambda: {"is": "c"}))

    assert first == {"put": {"a": {"is": "a"}, "b": {"is": "b"}}, "drop": []}
    assert mirror.changes() == {"put": {"a": {"is": "another a"}, "c": {"is": "c"}}, "drop": []}
    assert mirror.changes() is None


def test_what_is_gone_is_dropped_and_may_come_back() -> None:
    part = Part("a", 1, dict)
    parts = [part]
    mirror = Mirror(lambda: parts)
    mirror.changes()

    parts.clear()
    dropped = mirror.changes()
    parts.append(part)

    assert dropped == {"put": {}, "drop": ["a"]}
    assert mirror.changes() == {"put": {"a": {}}, "drop": []}


def test_what_did_not_change_is_not_drawn_again() -> None:
    drawn: list[str] = []
    mirror = Mirror(lambda: [Part("a", 1, lambda: {"times": drawn.append("a")})])

    mirror.changes()
    mirror.changes()

    assert drawn == ["a"]
