"""The updates of a browser: everything at first, then only differences."""

from sandbox.web.state_diff import StateDiff, StatePart


def test_a_browser_receives_everything_first_and_then_only_what_changed() -> None:
    parts = [StatePart("a", 1, lambda: {"is": "a"}), StatePart("b", 1, lambda: {"is": "b"})]
    mirror = StateDiff(lambda: parts)

    first = mirror.next_changes()
    parts[0] = StatePart("a", 2, lambda: {"is": "another a"})
    parts.append(StatePart("c", None, lambda: {"is": "c"}))

    assert first == {"put": {"a": {"is": "a"}, "b": {"is": "b"}}, "drop": []}
    assert mirror.next_changes() == {"put": {"a": {"is": "another a"}, "c": {"is": "c"}}, "drop": []}
    assert mirror.next_changes() is None


def test_what_is_gone_is_dropped_and_may_come_back() -> None:
    part = StatePart("a", 1, dict)
    parts = [part]
    mirror = StateDiff(lambda: parts)
    mirror.next_changes()

    parts.clear()
    dropped = mirror.next_changes()
    parts.append(part)

    assert dropped == {"put": {}, "drop": ["a"]}
    assert mirror.next_changes() == {"put": {"a": {}}, "drop": []}


def test_an_unchanged_message_is_not_rendered_again() -> None:
    rendered: list[str] = []
    mirror = StateDiff(lambda: [StatePart("a", 1, lambda: {"times": rendered.append("a")})])

    mirror.next_changes()
    mirror.next_changes()

    assert rendered == ["a"]
