"""Where a decoder may look: windows over the source."""
