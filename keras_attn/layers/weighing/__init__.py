"""From scores to weights: one class per way."""
