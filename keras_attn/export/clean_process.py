"""Decodes lines with a SavedModel in a process that has TensorFlow and tensorflow-text only. Run as a script.

    python clean_process.py FOLDER < request.json > reply.json

The model is loaded twice: by `tf.saved_model.load`, which restores Python's objects, and into a C++ session, which
restores values by name, as TensorFlow Serving does. The request is {"lines": [...], "batch_size": n}; the reply
{"ways": {name: {"text": [...], "score": [...], "truncated": [...], "seconds": s}}, "seconds": s, "modules": [...],
"versions": {...}}, with the seconds from loading to the first answer, and those that the imports took.
"""

import json
import platform
import sys
import time

began = time.perf_counter()

import tensorflow as tf  # noqa: E402  its import is timed
import tensorflow_text  # noqa: E402  registers the ops

IMPORTS = time.perf_counter() - began
NAMES = ("text", "score", "truncated")


def loaded(folder):
    """What `tf.saved_model.load` gives, as a function of a batch of bytes; and what must live as long."""
    module = tf.saved_model.load(folder)
    serve = module.signatures["serving_default"]

    def answer(batch):
        out = serve(text=tf.constant(batch))
        return {name: out[name].numpy() for name in NAMES}

    return answer, module  # whose variables it reads


def in_session(folder):
    """The same in a C++ session."""
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph)
    with graph.as_default():
        signature = tf.compat.v1.saved_model.load(session, ["serve"], folder).signature_def["serving_default"]
    outputs = {name: signature.outputs[name].name for name in NAMES}
    return lambda batch: session.run(outputs, {signature.inputs["text"].name: batch}), session


def decode(load, folder, lines, size):
    """All lines in the order given."""
    start = time.perf_counter()
    answer, _alive = load(folder)
    answer(lines[:1])
    seconds = round(time.perf_counter() - start, 2)
    said: dict[str, list] = {name: [] for name in NAMES}
    for first in range(0, len(lines), size):
        out = answer(lines[first : first + size])
        said["text"] += [text.decode("utf-8") for text in out["text"]]
        said["score"] += out["score"].tolist()
        said["truncated"] += out["truncated"].tolist()
    return {**said, "seconds": seconds}


def main(folder):
    """Read the request, decode it both ways, write the reply."""
    request = json.load(sys.stdin)
    lines = [line.encode("utf-8", "replace") for line in request["lines"]]
    ways = {"tf.saved_model.load": loaded, "C++ session": in_session}
    said = {name: decode(load, folder, lines, request["batch_size"]) for name, load in ways.items()}
    modules = sorted({name.split(".")[0] for name in sys.modules if name.startswith(("keras_attn", "tensorflow"))})
    versions = {"python": platform.python_version(), "tensorflow": tf.__version__}
    versions["tensorflow-text"] = tensorflow_text.__version__
    json.dump({"ways": said, "seconds": round(IMPORTS, 2), "modules": modules, "versions": versions}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
