"""Views of galaxies, the network, its loss and training, and the embedding. The only room that imports torch."""
