"""The layer, head and shift that agree best with links that people made."""

from __future__ import annotations

from collections.abc import Sequence

from keras_attn.alignment.links import Gold
from keras_attn.alignment.look import Attention, Look, every_look
from keras_attn.alignment.quality import alignment_quality, linked_only
from keras_attn.errors import expect


def choose_look(
    attentions: Sequence[Attention], gold: Sequence[Gold], shifts: Sequence[int] = (0, 1)
) -> dict[Look, float]:
    """The alignment error rate of every layer, head and shift, the best one first.

    Some hundred links are enough for a choice. Its own rate is too good a guess by then: measure it on other links.

    Args:
        attentions: of some validation pairs, see `export.AttentionReader`.
        gold: links of these; of words without a link nothing is held against a model.
        shifts: see `word_weights`.

    Raises:
        UserError: there are no links, or the model has no attention.
    """
    expect(any(sentence.sure for sentence in gold), "gold", "some sure links to choose by", "none")
    looks = list(every_look(attentions[0], shifts))
    expect(bool(looks), "attentions", "weights of at least one layer", "a model without attention")
    rates = {}
    for look in looks:
        found = [linked_only(look(attention), links) for attention, links in zip(attentions, gold, strict=True)]
        rates[look] = alignment_quality(found, gold).error_rate
    return dict(sorted(rates.items(), key=lambda item: item[1]))
