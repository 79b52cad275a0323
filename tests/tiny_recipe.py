"""The options that make a recipe as small as a test needs."""

TINY = [
    *("--encoder.units", "8", "--encoder.embedding", "8", "--decoder.units", "8", "--decoder.embedding", "8"),
    *("--text.vocabulary-size", "300", "--training.tokens-per-batch", "512", "--training.shapes", "2"),
    *("--training.score-limit", "7"),
]
