"""A model that several devices or machines train together, by what TensorFlow and JAX have for that.

`Replicas` says who they are, `Replicated` is the model that Keras' `fit` trains under `tf.distribute`, `several` makes
them for the command line, and `collectives` is what they tell each other.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
