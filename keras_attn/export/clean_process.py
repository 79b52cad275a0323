"""Decodes lines with a SavedModel in a process that has TensorFlow and tensorflow-text only. Run as a script.

    python clean_process.py FOLDER < request.json > reply.json

The request is {"lines": [...], "batch_size": n}; the reply {"text": [...], "score": [...], "modules": [...]}.
"""

import json
import sys

import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops


def main(folder: str) -> None:
    """Read the request, decode it in the order given, write the reply."""
    request = json.load(sys.stdin)
    lines, size = request["lines"], request["batch_size"]
    serve = tf.saved_model.load(folder).signatures["serving_default"]
    text, score = [], []
    for start in range(0, len(lines), size):
        out = serve(text=tf.constant([line.encode("utf-8", "replace") for line in lines[start : start + size]]))
        text += [line.decode("utf-8") for line in out["text"].numpy()]
        score += [float(value) for value in out["score"].numpy()]
    modules = sorted({name.split(".")[0] for name in sys.modules if name.startswith(("keras_attn", "tensorflow"))})
    json.dump({"text": text, "score": score, "modules": modules}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
