"""Files through an exported model by Apache Beam, on one machine or on many: `pip install 'keras_attn[beam]'`."""
