"""What the ready-made callback prints."""

import io

from pyfora import Progress, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line_that_is_rewritten() -> None:
    out = Terminal()
    show = progress(out)
    show(Progress(1_000, 2_000, 12))
    show(Progress(2_000, 2_000, 1))
    show(None)
    assert out.getvalue() == (
        "\r 50%  1,000 of 2,000 items  on 12 executors"
        "\r100%  2,000 of 2,000 items  on 1 executor  "
        "\n"
    )


def test_elsewhere_plain_lines_appear_once_a_second() -> None:
    out = io.StringIO()
    times = iter([0.0, 0.0, 0.0, 0.5, 1.0, 1.0])
    show = progress(out, clock=lambda: next(times))
    for done in (1, 2, 3):
        show(Progress(done, 4, 2))
    show(None)
    assert out.getvalue() == (
        " 25%  1 of 4 items  on 2 executors\n 75%  3 of 4 items  on 2 executors\n"
    )


def test_a_loop_without_a_known_length_is_not_divided_by() -> None:
    assert Progress(5, 0, 1).fraction == 0.0


def test_a_block_without_reports_prints_nothing() -> None:
    out = Terminal()
    progress(out)(None)
    assert out.getvalue() == ""
