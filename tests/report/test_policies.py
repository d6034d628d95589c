"""Every policy in one table and one figure."""

from qpm.report import policies, style


def test_the_baseline_comes_first_then_the_best(rows):
    table = policies.prepare(rows, "stm")
    assert table.case.iloc[0] == "stm"
    assert table.measured.iloc[1:].is_monotonic_decreasing
    assert set(table.case) == set(rows.case)


def test_wins_ties_and_losses_add_up_to_the_videos(rows):
    table = policies.prepare(rows, "stm")
    assert (table.win + table.tie + table.loss).dropna().eq(8).all()


def test_the_figure_names_what_is_compared(rows):
    with style.theme():
        drawing = policies.figure(policies.prepare(rows, "stm"))
    ax = drawing.axes[0]
    assert ax.get_xlabel() == "difference in G to STM"
    assert len(ax.get_yticklabels()) == rows.case.nunique() - 1


def test_the_caption_names_baseline_and_correction(results):
    caption = policies.table(results).caption
    assert "Difference: to STM" in caption and "over the 5 comparisons" in caption
