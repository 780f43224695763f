"""Lines of text that carry roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from tui.app import FleetApp


class Bar(Widget):
    """One or more lines; what does not fit is cut. `over` is the role of the whole line."""

    DEFAULT_CSS = "Bar { height: 1; }"

    def __init__(self, *texts: Text, id: str, over: str = "") -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._texts = texts
        self._over = over

    @property
    def text(self) -> str:
        """What it says."""
        return "\n".join(text.plain for text in self._texts)

    def say(self, *texts: Text, over: str = "") -> None:
        """Says this from now on."""
        if texts != self._texts or over != self._over:
            self._texts, self._over = texts, over
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._texts):
            return Strip.blank(width, self.rich_style)
        app = cast("FleetApp", self.app)
        over = app.painter.get_style(self._over) if self._over else Style.null()
        text = self._texts[y]
        if text.cell_len > width:
            text = text.copy()
            text.truncate(width, overflow="ellipsis")
        segments = [Segment(one.text, self.rich_style + (one.style or Style.null()) + over) for one in text.render(app.painter, end="")]
        return Strip(segments).adjust_cell_length(width, self.rich_style + over)
