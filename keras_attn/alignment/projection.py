"""Tags and placeholders of a source, put where its words went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from keras_attn.alignment.markup import PLACEHOLDER, WORD, Tag, read_marks
from keras_attn.alignment.words import hard_links, word_weights, words


@dataclass
class _Word:
    """A word of the output, the text between it and the one before, and the source word that it comes from."""

    gap: str
    text: str
    source: int | None


def translate_marked(align: Callable[[list[str]], Sequence[Any]], lines: Sequence[str]) -> list[str]:
    """Decode text with tags and placeholders in it: `<b>big</b> dog`, `Hello {name}`; see `project_marks`.

    The model is given the text without its tags, placeholders included.

    Args:
        align: list of sentences -> an `export.Alignment` for each: `run.align`, or that of an exported model.
        lines: any number of texts.

    Raises:
        UserError: a tag is closed that was not open.
    """
    plain = [read_marks(line)[0] for line in lines]
    return [project_marks(line, alignment) for line, alignment in zip(lines, align(plain), strict=True)]


def project_marks(marked: str, alignment: Any) -> str:
    """Put the tags and placeholders of a source into its output.

    - Whole words are put in tags: an output word in those of the source word that it looks at most. If the words of a
      tag are apart in the output, each run of them gets the tag.
    - No tag is lost: one that stands alone, has no words, or whose words no output word comes from, stands, empty,
      behind the output of the nearest word to its left that has any, or else in front.
    - A placeholder `{name}` that the output has not takes the place of the words that come from its word (the longest
      run, the first if several are as long); if there are none, it stands where such a tag would.

    Args:
        marked: the source with its tags, see `markup.read_marks`.
        alignment: an `export.Alignment` of the source without them.

    Returns:
        The output with tags that are closed in the order in which they were opened, whatever the alignment.

    Raises:
        UserError: a tag is closed that was not open.
    """
    plain, tags = read_marks(marked)
    source = WORD.findall(plain)
    output, tail = _output_words(source, alignment)
    _put_placeholders(output, source)
    return _with_tags(output, tags) + tail


def _output_words(source: list[str], alignment: Any) -> tuple[list[_Word], str]:
    """The words of the output, each with the place of its source word, and what is behind the last one."""
    text, read, found = alignment.text, 0, []
    for word in WORD.finditer(text):
        found.append(_Word(text[read : word.start()], word[0], None))
        read = word.end()
    links = hard_links(word_weights(alignment.weights, alignment.source_tokens, alignment.target_tokens))
    sources = _same(words(alignment.source_tokens), source)
    targets = _same(words(alignment.target_tokens), [word.text for word in found])
    for looked_at, writes in links:
        if writes in targets:
            found[targets[writes]].source = sources.get(looked_at)
    return found, text[read:]


def _same(tokens: list[str], text: list[str]) -> dict[int, int]:
    """Which word of a text is which of its tokens' words; they differ where a text was cut or normalized."""
    if len(tokens) == len(text):
        return {place: place for place in range(len(text))}
    blocks = SequenceMatcher(None, tokens, text, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}


def _put_placeholders(output: list[_Word], source: list[str]) -> None:
    """Put the placeholders of the source that the output has not into it, in place."""
    there = Counter(PLACEHOLDER.findall(" ".join(word.text for word in output)))
    kept = {word.source for word in output if PLACEHOLDER.search(word.text)}
    # Of a placeholder that comes twice, the one that the output has is that of the word it comes from.
    for place in sorted(range(len(source)), key=lambda place: (place not in kept, place)):
        wanted = Counter(PLACEHOLDER.findall(source[place]))
        missing, there = wanted - there, there - wanted
        if missing:
            _put_placeholder(output, place, source[place], "".join(missing.elements()))


def _put_placeholder(output: list[_Word], place: int, word: str, missing: str) -> None:
    runs: list[list[int]] = []
    for index, one in enumerate(output):
        if one.source == place and not PLACEHOLDER.search(one.text):
            if not runs or runs[-1][-1] != index - 1:
                runs.append([])
            runs[-1].append(index)
    if runs:
        run = max(runs, key=len)
        output[run[0]].text = word
        del output[run[0] + 1 : run[-1] + 1]
        return
    index = _behind(output, place)
    output.insert(index, _Word(" " if index else "", missing, place))
    if not index and len(output) > 1:
        output[1].gap = " "


def _behind(output: list[_Word], place: int) -> int:
    """Where what has no output word stands: behind those of the nearest word to the left of `place` that has any."""
    nearest = max((one.source for one in output if one.source is not None and one.source < place), default=None)
    if nearest is None:
        return 0
    return 1 + max(index for index, one in enumerate(output) if one.source == nearest)


def _with_tags(output: list[_Word], tags: list[Tag]) -> str:
    """Write the output, opening and closing tags on the way."""
    around = _tags_of_words(output, tags)
    used = {tag for stack in around for tag in stack}
    alone: dict[int, list[int]] = {}
    for number, tag in enumerate(tags):
        if number not in used:
            alone.setdefault(_behind(output, tag.first), []).append(number)
    written = ""
    opened: tuple[int, ...] = ()

    def change(wanted: tuple[int, ...], gap: str = "") -> str:
        kept = _common(opened, wanted)
        ends = "".join(tags[tag].closing for tag in reversed(opened[len(kept) :]))
        return ends + gap + "".join(tags[tag].opening for tag in wanted[len(kept) :])

    for index in range(len(output) + 1):
        for number in alone.get(index, []):
            wanted = _common(opened, tags[number].inside)
            written += change(wanted) + tags[number].opening + tags[number].closing
            opened = wanted
        if index < len(output):
            written += change(around[index], output[index].gap) + output[index].text
            opened = around[index]
    return written + change(())


def _tags_of_words(output: list[_Word], tags: list[Tag]) -> list[tuple[int, ...]]:
    """The tags around each output word; one that comes from no word has those that both its neighbors have."""
    known = [
        None
        if word.source is None
        else tuple(number for number, tag in enumerate(tags) if tag.first <= word.source < tag.behind)
        for word in output
    ]
    before: list[tuple[int, ...]] = []
    for stack in known:
        before.append(stack if stack is not None else (before[-1] if before else ()))
    behind: list[tuple[int, ...]] = []
    for stack in reversed(known):
        behind.append(stack if stack is not None else (behind[-1] if behind else ()))
    return [_common(left, right) for left, right in zip(before, reversed(behind), strict=True)]


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The tags that both begin with."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return one[:count]
