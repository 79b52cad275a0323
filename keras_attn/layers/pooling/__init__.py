"""Pooling layers: a sequence -> one vector, or as many rows as asked for."""
