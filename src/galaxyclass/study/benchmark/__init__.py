"""How fast packing, training and predicting are here, and how fast they could be."""
