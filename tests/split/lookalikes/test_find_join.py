"""What is linked and what is known to belong together make one group."""

import numpy as np

from src.split.lookalikes.find import join, members


def joined(group: list[str], links: list[tuple[int, int]]) -> list[str]:
    return join(np.array(group), np.array(list("abcdefgh")[: len(group)]), links).tolist()


def test_links_chain() -> None:
    assert joined(["", "", "", ""], [(2, 3), (1, 2)]) == ["like a", "like b", "like b", "like b"]


def test_the_order_of_links_does_not_matter() -> None:
    links = [(0, 5), (3, 4), (1, 2), (2, 5)]
    assert joined([""] * 6, links) == joined([""] * 6, links[::-1]) == ["like a"] * 3 + ["like d"] * 2 + ["like a"]


def test_known_groups_keep_their_name_and_take_in_what_is_linked() -> None:
    assert joined(["p", "", "p", "q"], [(1, 2)]) == ["p", "p", "p", "q"]


def test_two_known_groups_with_a_link_become_one() -> None:
    assert joined(["p", "q", "p", "r", "q"], [(0, 1)]) == [
        "p and 1 more",
        "p and 1 more",
        "p and 1 more",
        "r",
        "p and 1 more",
    ]


def test_members_come_by_size_then_by_first_row() -> None:
    assert [rows.tolist() for rows in members(np.array([4, 1, 4, 0, 1, 4]))] == [[0, 2, 5], [1, 4], [3]]
