"""However a stream is cut into chunks, its lines are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.cluster.decoding import Unreadable
from fleetd.cluster.lines import Lines


@given(lines=st.lists(st.binary(min_size=1, max_size=30).map(lambda text: text.replace(b"\n", b".")), max_size=8), data=st.data())
def test_lines_do_not_depend_on_chunks(lines, data):
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    splitter = Lines(1000)
    found = [line for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) for line in splitter.feed(stream[start:end])]
    assert found == lines
    assert not splitter.pending


def test_a_begun_line_is_pending():
    splitter = Lines(1000)
    assert splitter.feed(b"one\ntw") == [b"one"]
    assert splitter.pending
    assert splitter.feed(b"o\n") == [b"two"]
    assert not splitter.pending


def test_a_line_without_end_is_not_kept():
    splitter = Lines(100)
    assert splitter.feed(b"x" * 100) == []
    with pytest.raises(Unreadable, match="longer than 100 bytes"):
        splitter.feed(b"x")
