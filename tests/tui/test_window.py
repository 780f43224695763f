"""What a table holds, without a terminal."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.widths import BETWEEN, LEAST, fitted
from tui.window import FADES, MOST_ROWS, Window

# How fast examples are made says something of the machine only.
quietly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS = st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=30)


def rows(*keys: str, state: str = "ready"):
    return [{"key": key, "state": state} for key in keys]


@quietly
@given(before=KEYS, after=KEYS, cursor=st.integers(0, 40))
def test_the_cursor_stays_with_its_row_in_every_new_order(before, after, cursor):
    window = Window()
    window.order(before, more=False)
    window.move_to(cursor)
    under = window.key
    window.order(after, more=False)
    if under in after:
        assert window.key == under
    assert window.key is None if not after else window.key in after


@quietly
@given(keys=KEYS, marked=st.sets(st.integers(0, 29)))
def test_marks_stay_with_their_rows_and_go_with_them(keys, marked):
    window = Window()
    window.order(keys, more=False)
    for place in marked:
        if place < len(keys):
            window.move_to(place)
            window.mark()
    left = keys[::2]
    wanted = [key for key in left if key in window.marks]
    window.order(left, more=False)
    assert [key for key in left if key in window.marks] == wanted
    assert list(window.meant) == (wanted or ([window.key] if window.key else []))


def test_a_cell_that_became_another_one_is_marked_and_fades():
    window = Window()
    window.order(["a", "b"], more=False)
    window.put(["a", "b"], rows("a", "b"), now=1.0)
    assert not window.changed
    window.put(["a", "b"], [*rows("a", state="failed"), *rows("b")], now=2.0)
    assert list(window.changed) == [("a", "state")]
    assert not window.fade(2.0 + FADES / 2)
    assert window.fade(2.0 + FADES)
    assert not window.changed


def test_a_row_that_was_asked_for_and_is_gone_is_not_shown_as_it_was():
    window = Window()
    window.order(["a", "b"], more=False)
    window.put(["a", "b"], rows("a", "b"), now=1.0)
    window.put(["a", "b"], rows("b"), now=2.0)
    assert window.at(0) is None
    assert window.unread(0, 2) == ("a",)


def test_rows_nobody_looks_at_are_forgotten():
    window = Window()
    keys = [f"k{number}" for number in range(MOST_ROWS * 2)]
    window.order(keys, more=False)
    for start in range(0, len(keys), 100):
        window.put(keys[start : start + 100], rows(*keys[start : start + 100]), now=1.0)
    assert len(window.unread(0, len(keys))) == MOST_ROWS


def test_a_range_is_marked_from_the_last_mark_down_to_the_cursor():
    window = Window()
    window.order(list("abcdef"), more=False)
    window.move_to(1)
    window.mark()
    window.move_to(4)
    window.mark_to()
    assert window.meant == ("b", "c", "d", "e")
    window.unmark()
    assert window.meant == ("e",)


@quietly
@given(wanted=st.lists(st.integers(1, 120), min_size=1, max_size=9), room=st.integers(20, 200))
def test_columns_fit_into_the_room_or_are_as_narrow_as_they_may_be(wanted, room):
    widths = fitted(wanted, room, [0] * len(wanted), stretch=False)
    whole = sum(widths) + BETWEEN * (len(widths) - 1)
    assert whole <= room or all(width <= max(LEAST, min(LEAST, want)) for width, want in zip(widths, wanted, strict=True))
    assert all(width <= want for width, want in zip(widths, wanted, strict=True))
