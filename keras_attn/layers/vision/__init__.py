"""Attention in convolutional nets: (batch, height, width, channels) in, the very same shape out."""
