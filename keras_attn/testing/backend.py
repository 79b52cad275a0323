"""What each backend of Keras does in its own way: gradients, compilation, graphs of unknown shapes, SavedModels.

TensorFlow, JAX and PyTorch are imported where they are the backend, and nowhere else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_attn.testing.arrays import numpy
from keras_attn.testing.not_applicable import needs


def name() -> str:
    return keras.backend.backend()


def gradients(function: Callable[[list], tuple[Any, Any]], arrays: list, layer: Any) -> tuple[list, list, Any]:
    """Of one number, with respect to arrays and to a layer's trainable weights, as NumPy arrays.

    Args:
        function: list of tensors -> one number, and outputs; it calls `layer`.
        arrays: NumPy arrays.
        layer: whose `trainable_weights` are meant.

    Returns:
        The gradients of arrays and of weights, zeros where the number does not depend on them; the outputs.
    """
    given, weights = [ops.convert_to_tensor(array) for array in arrays], layer.trainable_weights
    found, outputs = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[name()](function, given, layer)
    wide = [
        np.zeros(tuple(of.shape), "float32") if gradient is None else numpy(gradient)
        for of, gradient in zip([*given, *weights], found, strict=True)
    ]
    return wide[: len(given)], wide[len(given) :], numpy(outputs)


def _tensorflow(function: Callable, given: list, layer: Any) -> tuple[list, Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(given)
        total, outputs = function(given)
    if not tf.is_tensor(total):
        return [None] * (len(given) + len(layer.trainable_weights)), outputs
    found = tape.gradient(total, [*given, *(weight.value for weight in layer.trainable_weights)])
    # An embedding's come as slices.
    return [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in found], outputs


def _jax(function: Callable, given: list, layer: Any) -> tuple[list, Any]:
    import jax

    learned, other = layer.trainable_variables, layer.non_trainable_variables

    def number(given: list, values: list) -> Any:
        mapping = [*zip(learned, values, strict=True), *((variable, variable.value) for variable in other)]
        with keras.StatelessScope(state_mapping=mapping):
            total, outputs = function(given)
            return ops.convert_to_tensor(total, "float32"), outputs

    gradient = jax.grad(number, argnums=(0, 1), has_aux=True)
    (first, second), outputs = gradient(given, [variable.value for variable in learned])
    return [*first, *second], outputs


def _torch(function: Callable, given: list, layer: Any) -> tuple[list, Any]:
    import torch

    given = [tensor.detach().clone().requires_grad_() for tensor in given]
    with torch.enable_grad():
        total, outputs = function(given)
    if not torch.is_tensor(total) or not total.requires_grad:
        return [None] * (len(given) + len(layer.trainable_weights)), outputs
    learned = [weight.value for weight in layer.trainable_weights]
    return list(torch.autograd.grad(total, [*given, *learned], allow_unused=True)), outputs


def compiled(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of one nest of tensors, compiled by XLA."""
    if name() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True, autograph=False)
    needs(name() == "jax", "TensorFlow and JAX only")
    import jax

    return jax.jit(function)


def graph(function: Callable[[Any], Any], signature: Any) -> Any:
    """The function as one graph of unknown shapes (TensorFlow).

    Args:
        function: of one nest of tensors.
        signature: a nest of (shape, dtype).
    """
    import tensorflow as tf

    specs = tree.map_structure_up_to(_up_to(signature), lambda leaf: tf.TensorSpec(*leaf), signature)
    return tf.function(function, input_signature=[specs], autograph=False)


def _up_to(signature: Any) -> Any:
    """The same nest with one leaf for each (shape, dtype)."""
    if isinstance(signature, dict):
        return {key: _up_to(value) for key, value in signature.items()}
    if isinstance(signature, list):
        return [_up_to(value) for value in signature]
    return 0


def saved(graphs: dict[str, Any], owned: list) -> Callable[[str, Any], Any]:
    """Graphs written to one SavedModel and loaded from it again.

    Args:
        graphs: name -> what `graph` gave.
        owned: layers and models whose weights the graphs use.

    Returns:
        A function of name and arguments.
    """
    import tensorflow as tf

    module = tf.Module()
    module.owned, module.graphs = owned, graphs
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "all")
        tf.saved_model.save(module, path, options=tf.saved_model.SaveOptions(save_debug_info=False))
        loaded = tf.saved_model.load(path)
    return lambda name, arguments: loaded.graphs[name](arguments)  # the weights live as long as what was loaded
