"""What frozen features of a network that learned from photographs reach: the score that a training has to beat."""
