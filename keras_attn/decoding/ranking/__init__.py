"""What a hypothesis is worth beside its probability."""
