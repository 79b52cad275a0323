"""Batches of lines through a graph, two side by side."""

from __future__ import annotations

import threading

import pytest
import tensorflow as tf

from keras_attn.export.outputs import decode_strings

LINES = [str(number) * (number % 7) for number in range(11)]


def upper(batch):
    return {
        "text": tf.strings.join(["<", batch, ">"]),
        "score": tf.cast(tf.strings.length(batch), tf.float32),
        "truncated": tf.strings.length(batch) > 3,
    }


def check(output):
    assert output.text == [f"<{line}>" for line in LINES]
    assert output.score.tolist() == [len(line) for line in LINES]
    assert output.truncated.tolist() == [len(line) > 3 for line in LINES]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 11, 64])
def test_every_line_gets_its_own_answer_in_its_place(batch_size):
    check(decode_strings(upper, LINES, batch_size))


def test_what_is_as_long_by_the_count_that_is_given_goes_together():
    seen = []

    def serve(batch):
        seen.append([line.decode() for line in batch.numpy()])
        return upper(batch)

    lines = ["a a a", "bbbbbbbbb", "c c", "ddd d"]
    output = decode_strings(serve, lines, 2, lambda lines: [len(line.split()) for line in lines])
    assert output.text == [f"<{line}>" for line in lines]
    assert sorted(seen) == [["a a a", "c c"], ["ddd d", "bbbbbbbbb"]]


def test_two_batches_are_under_way_at_a_time():
    both, most = threading.Barrier(2), []

    def serve(batch):
        both.wait(timeout=20)  # raises if the other does not come
        most.append(threading.get_ident())
        return upper(batch)

    check(decode_strings(serve, LINES, 3))  # 4 batches
    assert len(set(most)) == 2


def test_a_batch_alone_stays_in_the_thread_of_the_caller():
    where = []
    check(decode_strings(lambda batch: where.append(threading.get_ident()) or upper(batch), LINES, 11))
    assert where == [threading.get_ident()]


def test_what_goes_wrong_in_a_batch_is_raised():
    def serve(batch):
        if tf.reduce_any(batch == b"5" * 5):
            raise ArithmeticError("five")
        return upper(batch)

    with pytest.raises(ArithmeticError, match="five"):
        decode_strings(serve, LINES, 2)
