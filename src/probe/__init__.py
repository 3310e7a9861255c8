"""The scores of frozen features of a network trained on photographs: the baseline that training has to beat."""
