"""What a Transformer stacks: attention and a feed-forward network, each inside a residual connection."""
