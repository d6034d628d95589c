"""A case has one colour and one name wherever it is drawn; a saved figure is the same bytes."""

import matplotlib
import pytest

from qpm.report import signs, style


def test_the_shipped_cases_have_distinct_colours():
    assert len(set(style.COLOURS.values())) == len(style.COLOURS)


def test_a_colour_does_not_depend_on_what_was_drawn_before():
    before = style.colour("my_policy")
    assert [style.colour(name) for name in ("a", "b", "my_policy")][-1] == before
    assert style.colour("qpm,sigma_m=0.6") == style.colour("qpm") != style.colour("qpmx")


def test_a_case_is_named_in_words():
    assert style.label("stm") == "STM" and style.label("random_gate") == "random gate"
    assert style.label("stm_1") == "STM 1" and style.label("quality_gated_12") == "quality gated 12"
    assert style.label("qpm,sigma_m=0.6") == "QPM,σm=0.6" and style.label("my_policy") == "my policy"
    assert style.label("stm_ensemble") == "STM ensemble"
    assert style.label("sigma_m=0.7,sigma_en=0.65") == "σm=0.7,σen=0.65" and signs.sign("n") == "n"


def test_the_theme_leaves_the_callers_settings_alone():
    before = dict(matplotlib.rcParams)
    with style.theme():
        assert matplotlib.rcParams["font.size"] == 8
    assert dict(matplotlib.rcParams) == before


def test_a_figure_is_saved_as_the_same_bytes(tmp_path):
    def save(name):
        with style.theme():
            drawing = style.figure()
            drawing.subplots().plot([0, 1], [1, 0], label="J&F")
            return [path.read_bytes() for path in style.save(drawing, tmp_path / name, ("png", "pdf", "svg"))]

    assert save("a") == save("b")


def test_axes_are_placed_without_the_last_bits_of_the_solver():
    with style.theme():
        drawing = style.figure(style.PAGE, 5.1)
        for block in drawing.subfigures(3, 1):
            block.subplots(1, 3)
            block.suptitle("a heading")
        style.lay_out(drawing)
    places = [side for ax in drawing.axes for side in ax.get_position(original=True).bounds]
    places += [side for block in drawing.subfigs for side in block.bbox_relative.extents]
    places += [side for block in drawing.subfigs for text in block.texts for side in text.get_position()]
    rounded = [round(side, style.PLACES) for side in places]
    assert len(places) == 36 + 12 + 6 and places == pytest.approx(rounded, rel=0, abs=2e-16)


def test_a_difference_next_to_nothing_looks_like_it():
    ax = style.figure().subplots()
    ax.plot([0, 0.0007], [0, 0])
    style.widen(ax)
    assert ax.get_xlim() == (-0.005, 0.005)


def test_a_long_name_keeps_both_ends():
    assert style.shorten("val-002-appearance_change") == "val-002-appearance_change"
    assert style.shorten("x" * 20 + "y" * 20) == "x" * 13 + "…" + "y" * 12


@pytest.mark.parametrize("positions", [[0.5, 0.5, 0.5], [0.7, 0.65, 0.72, 0.1], [1.0]])
def test_labels_are_moved_apart_without_changing_order(positions):
    placed = style.spread_out(positions, 0.1)
    order = sorted(range(len(positions)), key=lambda k: positions[k])
    gaps = [placed[b] - placed[a] for a, b in zip(order, order[1:], strict=False)]
    assert all(gap >= 0.1 - 1e-6 for gap in gaps)
    assert sum(placed) == pytest.approx(sum(positions))


def test_a_label_of_three_lines_keeps_its_neighbours_further_away():
    placed = style.spread_out([0.5, 0.5, 0.9], 0.1, [3, 1, 1])
    assert placed[1] - placed[0] == pytest.approx(0.2) and placed[2] == 0.9
