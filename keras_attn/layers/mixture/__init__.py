"""Mixtures: several experts, and attention that says whom to listen to."""
