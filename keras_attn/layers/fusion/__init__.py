"""What a decoder does with what it has read: one class per way."""
