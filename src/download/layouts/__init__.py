"""How the labels of a source are read, a file for each layout, chosen by name in dataset.layout."""
