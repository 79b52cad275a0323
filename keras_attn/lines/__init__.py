"""Lines of bytes through a model, in order, whatever is in them."""
