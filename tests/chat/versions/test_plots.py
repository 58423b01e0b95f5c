"""Points become coordinates that stay inside the drawing, with round numbers beside them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.versions.plots import Axes, Series, log_ticks, plot, ticks

values = st.floats(min_value=1e-3, max_value=1e6)


def coordinates(line):
    return [tuple(map(float, corner.split(","))) for corner in re.findall(r"[\d.]+,[\d.]+", line.path)]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (0.97, 1.0, [0.97, 0.98, 0.99, 1.0]),
        (3, 3, [3, 4]),
        (0.001, 0.0010000000000000002, [0.001, 0.0015]),
    ],
)
def test_ticks_are_round_numbers_around_the_data(low, high, expected):
    assert ticks(low, high) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1.03, 1300, [1, 10, 100, 1000, 10000]), (3, 30, [2, 5, 10, 20, 50]), (10, 10, [10, 20])],
)
def test_logarithmic_ticks_are_round_numbers_around_the_data(low, high, expected):
    assert log_ticks(low, high) == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(low=values, high=values)
def test_ticks_always_span_the_data(low, high):
    low, high = sorted((low, high))
    for marks in (ticks(low, high), log_ticks(low, high)):
        assert marks[0] <= low * (1 + 1e-6) and marks[-1] >= high * (1 - 1e-6)
        assert 2 <= len(marks) <= 14
        assert marks == sorted(set(marks))


def test_the_largest_value_is_at_the_top_and_the_last_step_at_the_right():
    drawn = plot("손실", [Series("훈련", [(0, 100), (50, 60), (100, 0)])])
    (left, top), (middle, _), (right, bottom) = coordinates(drawn.lines[0])
    assert (top, bottom) == (drawn.top, drawn.bottom)
    assert drawn.left <= left < middle == (left + right) / 2 < right <= drawn.right
    assert [tick.label for tick in drawn.x_ticks] == ["0", "20", "40", "60", "80", "100"]
    assert (drawn.lines[0].first, drawn.lines[0].last) == ("100", "0")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), values), min_size=1, max_size=30), st.booleans())
def test_nothing_leaves_the_drawing(points, logarithmic):
    drawn = plot("손실", [Series("훈련", sorted(points))], Axes(logarithmic=logarithmic))
    for x, y in coordinates(drawn.lines[0]):
        assert drawn.left <= x <= drawn.right
        assert drawn.top - 0.1 <= y <= drawn.bottom + 0.1


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    drawn = plot("손실", [Series("훈련", [(step, step + 1) for step in range(5000)])])
    corners = coordinates(drawn.lines[0])
    assert len(corners) <= 161
    assert corners[-1][0] == drawn.right - 20
    assert drawn.lines[0].marks == []


def test_marks_carry_their_names():
    drawn = plot("점수", [Series("배운 질문", [(0, 90), (1, 95.5)])], Axes(x_labels=["첫째", "둘째"], bounds=(0, 100)))
    assert [mark.label for mark in drawn.lines[0].marks] == ["첫째: 90", "둘째: 95.5"]
    assert [tick.label for tick in drawn.x_ticks] == ["첫째", "둘째"]


def test_values_without_a_logarithm_are_left_out():
    drawn = plot("손실", [Series("훈련", [(0, 0.0), (1, 10.0), (2, 1.0)])], Axes(logarithmic=True))
    assert len(coordinates(drawn.lines[0])) == 2
    assert plot("손실", [Series("훈련", [(0, 0.0)])], Axes(logarithmic=True)) is None


def test_values_that_hardly_fall_get_even_marks():
    drawn = plot("손실", [Series("학습", [(0, 25.0), (1, 21.0)])], Axes(logarithmic=True))
    assert [tick.label for tick in drawn.y_ticks] == ["21", "22", "23", "24", "25"]


def test_nothing_measured_is_no_plot():
    assert plot("손실", [Series("훈련", [])]) is None
